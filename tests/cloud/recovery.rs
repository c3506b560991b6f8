//! Nothing is ever lost, and nothing is made twice: throttling, lost answers, kills and Ctrl-C at every creation.

use groundwork_local::cloud::Fault;
use groundwork_wire::PropertyMap;

use crate::{
    Cloud,
    lifecycle::{Place, for_every_resource},
    objects::{everything, through},
    provider::{Kept, Provider},
    proxy::{Cut, Proxy},
    world::World,
};

/// The operations that change something.
async fn changing_operations(cloud: &Cloud, since: usize) -> Vec<String> {
    let mut operations: Vec<String> = cloud
        .cloud
        .journal(0)
        .await
        .unwrap()
        .into_iter()
        .skip(since)
        .map(|call| call.operation)
        .filter(|operation| !operation.starts_with("Describe") && !operation.starts_with("Get"))
        .collect();
    operations.sort();
    operations.dedup();
    operations
}

/// What strikes an operation once.
pub(crate) fn fault(kind: &str, operation: &str) -> Fault {
    Fault {
        kind: kind.to_owned(),
        operation: Some(operation.to_owned()),
        count: Some(1),
        ..Fault::default()
    }
}

async fn create(provider: &Provider, token: &str, inputs: &PropertyMap, when: &str) -> Kept {
    provider
        .create(token, "one", inputs)
        .await
        .unwrap_or_else(|status| panic!("{token} {when}: {}", status.message()))
}

#[tokio::test(flavor = "multi_thread")]
async fn every_creation_survives_throttling_and_lost_connections() {
    for_every_resource(Place::Aws, 3, survives_faults).await;
}

async fn survives_faults(token: &'static str) {
    let cloud = Cloud::up().await;
    let provider = Provider::start(&cloud).await;
    let mut world = World::new();
    let inputs = world.inputs(&provider, token, "one").await;
    let before = cloud.dump().await;
    let since = cloud.cloud.journal(0).await.unwrap().len();
    let made = create(&provider, token, &inputs, "plainly").await;
    let one = cloud.dump().await;
    provider.delete(&made).await.unwrap();
    for operation in changing_operations(&cloud, since).await {
        for kind in ["throttle", "reset_before", "reset_after", "error"] {
            cloud.cloud.set_fault(&fault(kind, &operation)).await.unwrap();
            let when = format!("with {kind} of {operation}");
            // A provider of its own, as each `pulumi up` has.
            let provider = Provider::start(&cloud).await;
            let made = create(&provider, token, &inputs, &when).await;
            assert_eq!(
                cloud.dump().await.left_over(&before).len(),
                one.left_over(&before).len(),
                "{token} {when}: made twice, or not at all"
            );
            provider
                .delete(&made)
                .await
                .unwrap_or_else(|status| panic!("{token} {when}: {}", status.message()));
            assert_eq!(
                cloud.dump().await.left_over(&before),
                Vec::<&str>::new(),
                "{token} {when}"
            );
            cloud.cloud.clear_faults().await.unwrap();
        }
    }
    world.tear_down(&provider).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_creation_whose_answer_died_with_the_provider_is_taken_over() {
    for_every_resource(Place::Aws, 3, is_taken_over).await;
}

async fn is_taken_over(token: &'static str) {
    let cloud = Cloud::up().await;
    let helper = Provider::start(&cloud).await;
    let mut world = World::new();
    let inputs = world.inputs(&helper, token, "one").await;
    let before = cloud.dump().await;
    let since = cloud.cloud.journal(0).await.unwrap().len();
    let made = create(&helper, token, &inputs, "plainly").await;
    let one = cloud.dump().await.left_over(&before).len();
    let making = |operation: &String| {
        let verbs = ["Create", "Allocate", "Associate", "Authorize"];
        operation != "CreateTags" && verbs.iter().any(|verb| operation.starts_with(verb))
    };
    let operation = changing_operations(&cloud, since).await.into_iter().find(making);
    helper.delete(&made).await.unwrap();
    // What adopts, or exists in the state alone, makes nothing that could be lost.
    let Some(operation) = operation else {
        world.tear_down(&helper).await;
        return;
    };

    cloud
        .cloud
        .set_fault(&Fault {
            seconds: Some(600.0),
            ..fault("delay_response", &operation)
        })
        .await
        .unwrap();
    let killed = Provider::start(&cloud).await;
    let start = cloud.cloud.journal(0).await.unwrap().len();
    tokio::select! {
        ended = killed.create(token, "one", &inputs) => panic!("{token}, holding back {operation}: {ended:?}"),
        () = acted(&cloud, start, &operation) => {}
    }
    killed.kill();
    cloud.cloud.clear_faults().await.unwrap();

    let next = Provider::start(&cloud).await;
    let made = create(&next, token, &inputs, "after the kill").await;
    assert_eq!(cloud.dump().await.left_over(&before).len(), one, "{token}: made twice");
    // Both providers end as at a normal exit.
    next.cancel().await;
    helper.cancel().await;
    let dump = cloud.dump().await;
    let alive = dump.0.iter().filter(|(_, thing)| thing["gone"] != true);
    let marked: Vec<_> = alive
        .filter(|(_, thing)| thing.to_string().contains("groundwork:pending"))
        .collect();
    assert!(marked.is_empty(), "{token}: a mark is left on {marked:?}");

    let after = Provider::start(&cloud).await;
    let seen = after.read(&made).await.unwrap().unwrap();
    assert_eq!(seen.id, made.id);
    after
        .delete(&seen)
        .await
        .unwrap_or_else(|status| panic!("{token}: {}", status.message()));
    world.tear_down(&after).await;
}

/// Waits until AWS has acted on a call whose answer is held back.
async fn acted(cloud: &Cloud, since: usize, operation: &str) {
    let mut every = tokio::time::interval(std::time::Duration::from_millis(20));
    loop {
        every.tick().await;
        let calls = cloud.cloud.journal(0).await.unwrap();
        if calls
            .iter()
            .skip(since)
            .any(|call| call.operation == operation && call.acted && !call.answered)
        {
            return;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn breaking_off_a_creation_keeps_the_id() {
    // Slow enough that whatever settles is still settling.
    let cloud = Cloud::with(|options| {
        options.rhythm = groundwork_local::Rhythm::Settle(std::time::Duration::from_secs(5));
    })
    .await;
    for token in ["groundwork:ec2:NatGateway", "groundwork:ec2:VpcEndpoint"] {
        let helper = Provider::start(&cloud).await;
        let mut world = World::new();
        let inputs = world.inputs(&helper, token, "one").await;
        let before = cloud.dump().await;
        let provider = Provider::start(&cloud).await;
        let start = cloud.cloud.journal(0).await.unwrap().len();
        let operation = format!("Create{}", token.rsplit(':').next().unwrap());
        let (ended, ()) = tokio::join!(provider.create(token, "one", &inputs), async {
            settling(&cloud, start, &operation).await;
            provider.cancel().await;
        });
        let status = ended.unwrap_err();
        let kept = Provider::kept_of(token, "one", &inputs, &status).expect("an id");
        assert!(!kept.id.is_empty());

        // The next `up` goes on with an Update that has no difference.
        let next = Provider::start(&cloud).await;
        let settled = next
            .update(&kept, &inputs)
            .await
            .unwrap_or_else(|status| panic!("{token}: {}", status.message()));
        assert_eq!(settled.id, kept.id);
        next.assert_same(&settled, &inputs, "after going on").await;
        next.delete(&settled).await.unwrap();
        assert_eq!(cloud.dump().await.left_over(&before), Vec::<&str>::new(), "{token}");
        world.tear_down(&next).await;
    }
}

/// Waits until a creation was answered and looked at once.
async fn settling(cloud: &Cloud, since: usize, operation: &str) {
    let mut every = tokio::time::interval(std::time::Duration::from_millis(20));
    loop {
        every.tick().await;
        let calls = cloud.cloud.journal(0).await.unwrap();
        let created = calls
            .iter()
            .skip(since)
            .position(|call| call.operation == operation && call.answered);
        if created.is_some_and(|at| {
            calls
                .iter()
                .skip(since + at + 1)
                .any(|call| call.operation.starts_with("Describe"))
        }) {
            return;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_group_that_could_not_be_closed_is_closed_after_a_refresh() {
    const TOKEN: &str = "groundwork:ec2:SecurityGroup";
    let cloud = Cloud::up().await;
    let provider = Provider::start(&cloud).await;
    let mut world = World::new();
    let inputs = world.inputs(&provider, TOKEN, "one").await;
    let denied = fault("denied", "RevokeSecurityGroupEgress");
    cloud.cloud.set_fault(&denied).await.unwrap();
    let refused = provider.create(TOKEN, "one", &inputs).await.unwrap_err();
    let kept = Provider::kept_of(TOKEN, "one", &inputs, &refused).unwrap();

    // The engine forgets what was told of the creation; the state must not.
    let seen = provider.read(&kept).await.unwrap().unwrap();
    assert_eq!(seen.inputs, inputs, "its own rule is nobody's wish");
    let diff = provider.diff(&seen, &inputs).await;
    assert_eq!((diff.diffs, diff.replaces), (vec!["egress".to_owned()], Vec::new()));
    let open = provider.import(TOKEN, "other", &kept.id).await.unwrap().unwrap();
    assert!(open.inputs.contains_key("egress"));

    let closed = provider.update(&seen, &inputs).await.unwrap();
    provider.assert_same(&closed, &inputs, "once it is closed").await;
    let found = provider.import(TOKEN, "other", &kept.id).await.unwrap().unwrap();
    assert!(!found.inputs.contains_key("egress"), "{found:?}");
    provider.delete(&closed).await.unwrap();
    world.tear_down(&provider).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_creation_in_a_cluster_survives_a_connection_that_is_cut() {
    for_every_resource(Place::Cluster, 2, survives_cuts).await;
}

async fn survives_cuts(token: &'static str) {
    // A helm says much, and takes a second to say it.
    let stride = if token == "groundwork:helm:Release" { 10 } else { 1 };
    let cloud = Place::Cluster.cloud().await;
    let helper = Provider::start(&cloud).await;
    let mut world = World::new();
    let inputs = world.inputs(&helper, token, "one").await;
    world.admit(&helper).await;
    let proxy = Proxy::start().await;
    let inputs = helper.checked(token, "one", &through(&proxy, &inputs)).await;
    let cluster = world.cluster();
    let before = everything(&cloud, &cluster);
    let made = create(&helper, token, &inputs, "plainly").await;
    let one = everything(&cloud, &cluster);
    helper.delete(&made).await.unwrap();
    for cut in [Cut::Before, Cut::After] {
        for exchange in (1..).step_by(stride) {
            proxy.cut(exchange, cut);
            let when = format!("cut {cut:?} exchange {exchange}");
            let made = goes_on(&cloud, token, &inputs, &when).await;
            assert_eq!(
                everything(&cloud, &cluster),
                one,
                "{token} {when}: made twice, or not at all"
            );
            let reached = proxy.has_cut();
            proxy.cut(0, cut);
            let next = Provider::start(&cloud).await;
            next.assert_same(&made, &inputs, &when).await;
            next.delete(&made)
                .await
                .unwrap_or_else(|status| panic!("{token} {when}: {}", status.message()));
            assert_eq!(everything(&cloud, &cluster), before, "{token} {when}");
            if !reached {
                assert!(exchange > 1, "{token} goes past the proxy");
                break;
            }
        }
    }
    world.tear_down(&helper).await;
}

/// A creation and, where it does not succeed, the runs after it: each goes on with what the state has.
async fn goes_on(cloud: &Cloud, token: &str, inputs: &PropertyMap, when: &str) -> Kept {
    const RUNS: usize = 3;
    let mut kept: Option<Kept> = None;
    for run in 1.. {
        let provider = Provider::start(cloud).await;
        let ended = match &kept {
            None => provider.create(token, "one", inputs).await,
            Some(kept) => provider.update(kept, inputs).await,
        };
        match ended {
            Ok(kept) => return kept,
            Err(status) => {
                assert!(run < RUNS, "{token} {when}: {}", status.message());
                kept = Provider::kept_of(token, "one", inputs, &status).or(kept);
            }
        }
    }
    unreachable!("runs have an end")
}
