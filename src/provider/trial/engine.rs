//! Create, Read, Update and Delete on bad days.

use std::{iter::repeat_n, time::Duration};

use groundwork_wire::{PropertyMap, PropertyValue, proto::diff_response::DiffChanges};
use serde_json::json;
use tokio::time::{Instant, timeout};
use tonic::Code;

use super::{
    Kept, LINK, REGION, Stage, THING, json as as_json, properties,
    thing::{Answer, Look, lock},
};
use crate::state::ORIGIN;

const THROTTLED: Answer = Answer::Refuse("RequestLimitExceeded");
const IN_USE: Answer = Answer::Refuse("DependencyViolation");

#[tokio::test(start_paused = true)]
async fn a_creation_is_corrected_until_it_is_as_asked_for() {
    let stage = Stage::new(THING);
    let kept = stage.create(json!({"place": "here", "size": 5})).await.unwrap();
    assert_eq!(kept.id, "thing-1");
    assert_eq!((stage.count("create"), stage.count("update")), (1, 1));
    assert_eq!(lock(&stage.world).things["thing-1"].inputs.size, 5);
    assert_eq!(
        as_json(&kept.properties),
        json!({
            "place": "here", "size": 5, "zone": "zone-1", "serial": "serial of thing-1", "state": "ready",
            "__groundwork": {"schema": 1, "account": "111122223333", "region": "eu-central-1", "facts": {"adopted": false}},
        })
    );
}

#[tokio::test(start_paused = true)]
async fn a_throttled_creation_is_tried_until_it_succeeds() {
    let stage = Stage::new(THING);
    stage.script("create", [THROTTLED; 3]);
    stage.create(json!({"place": "here"})).await.unwrap();
    assert_eq!(stage.count("create"), 4);
    assert_eq!(lock(&stage.world).things.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_creation_that_is_throttled_for_ever_ends_with_its_limit() {
    let stage = Stage::new(THING);
    stage.script("create", repeat_n(THROTTLED, 1000));
    let begun = Instant::now();
    let limit = Duration::from_secs(40);
    let status = stage.create_within(json!({"place": "here"}), limit).await.unwrap_err();
    assert_eq!(status.code(), Code::ResourceExhausted);
    assert!(begun.elapsed().abs_diff(limit) < Duration::from_secs(1));
}

#[tokio::test(start_paused = true)]
async fn what_a_lost_answer_made_is_taken_over() {
    for token in [THING, LINK] {
        let stage = Stage::new(token);
        stage.script("create", [Answer::Lost]);
        let begun = Instant::now();
        let kept = stage.create(json!({"place": "here", "size": 5})).await.unwrap();
        assert!(begun.elapsed() >= Duration::from_secs(1), "AWS shows it a little later");
        assert_eq!(kept.id, "thing-1");
        assert_eq!(stage.count("create"), 1);
        assert_eq!(lock(&stage.world).things["thing-1"].inputs.size, 5);
    }
}

#[tokio::test(start_paused = true)]
async fn what_never_arrived_is_asked_for_again() {
    for token in [THING, LINK] {
        let stage = Stage::new(token);
        stage.script("create", [Answer::Dropped, THROTTLED, Answer::Dropped]);
        stage.create(json!({"place": "here"})).await.unwrap();
        assert_eq!(stage.count("create"), 4);
        assert_eq!(lock(&stage.world).things.len(), 1);
    }
}

#[tokio::test(start_paused = true)]
async fn what_exists_is_taken_over_only_when_it_is_ours() {
    // Nothing carries the mark: it is somebody else's.
    let stage = Stage::new(THING);
    stage.script("create", [Answer::Refuse("RouteAlreadyExists")]);
    let status = stage.create(json!({"place": "here"})).await.unwrap_err();
    assert_eq!(status.code(), Code::AlreadyExists);
    assert!(
        groundwork_wire::status::init_failed(&status).is_none(),
        "there is no id"
    );

    // The answer before this one made it.
    let stage = Stage::new(LINK);
    stage.script("create", [Answer::Lost]);
    stage.create(json!({"place": "here"})).await.unwrap();
    let next = stage.again();
    next.script("create", [Answer::Refuse("RouteAlreadyExists")]);
    assert_eq!(next.create(json!({"place": "here"})).await.unwrap().id, "thing-1");
    next.script("create", [Answer::Refuse("RouteAlreadyExists")]);
    let status = next.create(json!({"place": "elsewhere"})).await.unwrap_err();
    assert_eq!(status.code(), Code::AlreadyExists);
}

#[tokio::test(start_paused = true)]
async fn what_it_refers_to_has_a_minute_to_be_seen() {
    let stage = Stage::new(THING);
    stage.script("create", [Answer::Refuse("InvalidVpcID.NotFound"); 3]);
    stage.create(json!({"place": "here"})).await.unwrap();

    let stage = Stage::new(THING);
    stage.script("create", repeat_n(Answer::Refuse("InvalidVpcID.NotFound"), 1000));
    let begun = Instant::now();
    let status = stage.create(json!({"place": "here"})).await.unwrap_err();
    assert_eq!(status.code(), Code::NotFound);
    assert!((60..65).contains(&begun.elapsed().as_secs()));
}

#[tokio::test(start_paused = true)]
async fn what_is_new_in_iam_has_two_minutes_to_be_seen_and_is_a_mistake_then() {
    let unseen = Answer::Say("InvalidParameterException", "Error in role params");
    let stage = Stage::new(THING);
    stage.script("create", repeat_n(unseen, 50));
    let begun = Instant::now();
    let kept = stage.create(json!({"place": "here"})).await.unwrap();
    assert!((65..120).contains(&begun.elapsed().as_secs()), "{:?}", begun.elapsed());

    let begun = Instant::now();
    stage.script("update", repeat_n(unseen, 1000));
    let status = stage
        .update(&kept, json!({"place": "here", "size": 7}))
        .await
        .unwrap_err();
    assert!((120..125).contains(&begun.elapsed().as_secs()), "{:?}", begun.elapsed());
    assert_eq!(status.code(), Code::InvalidArgument);

    let stage = Stage::new(THING);
    stage.script("create", repeat_n(unseen, 1000));
    let status = stage.create(json!({"place": "here"})).await.unwrap_err();
    assert_eq!(status.code(), Code::InvalidArgument);
    assert!(status.message().contains("refuses it as it stands"), "{status}");
    assert!(status.message().contains("for 2m00s"), "{status}");
}

#[tokio::test(start_paused = true)]
async fn what_began_and_failed_keeps_its_id_and_waits_for_the_next_up() {
    let stage = Stage::new(THING);
    stage.script("create", [Answer::Begun("InvalidParameterValue")]);
    let inputs = json!({"place": "here", "size": 2});
    let status = stage.create(inputs.clone()).await.unwrap_err();
    let (kept, why) = Stage::unfinished(&stage.checked(inputs.clone()).await, &status);
    assert!(why.contains("InvalidParameterValue: half way"), "{why}");
    assert_eq!((stage.count("create"), stage.count("update")), (1, 0));
    assert!(kept.properties.contains_key("serial"), "what was seen of it is kept");
    let settled = stage.again().update(&kept, inputs).await.unwrap();
    assert_eq!(settled.id, kept.id);
    assert_eq!((stage.count("create"), stage.count("update")), (1, 1));
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_mended_is_not_tried_again() {
    for (refusal, code) in [
        ("UnauthorizedOperation", Code::PermissionDenied),
        ("ExpiredToken", Code::Unauthenticated),
        ("VpcLimitExceeded", Code::ResourceExhausted),
        ("InvalidParameterValue", Code::InvalidArgument),
    ] {
        let stage = Stage::new(THING);
        stage.script("create", [Answer::Refuse(refusal)]);
        let status = stage.create(json!({"place": "here"})).await.unwrap_err();
        assert_eq!((status.code(), stage.count("create")), (code, 1), "{refusal}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_creation_waits_until_it_can_be_seen_and_used() {
    let stage = Stage::new(THING);
    lock(&stage.world)
        .looks
        .extend([Look::Unseen, Look::Pending, Look::Pending]);
    let kept = stage.create(json!({"place": "here"})).await.unwrap();
    assert_eq!(kept.properties["state"].as_str(), Some("ready"));
    assert_eq!(stage.count("read"), 4);
}

#[tokio::test(start_paused = true)]
async fn what_failed_keeps_its_id_and_is_replaced() {
    let stage = Stage::new(THING);
    lock(&stage.world).looks.extend([Look::Pending, Look::Failed]);
    let inputs = json!({"place": "here"});
    let status = stage.create(inputs.clone()).await.unwrap_err();
    let (kept, reason) = Stage::unfinished(&stage.checked(inputs.clone()).await, &status);
    assert_eq!(kept.id, "thing-1");
    assert_eq!(kept.properties["state"].as_str(), Some("failed"));
    assert!(reason.contains("it broke"), "{reason}");

    let diff = stage.diff(&kept, as_json(&kept.inputs), &[]).await;
    assert_eq!(diff.changes(), DiffChanges::DiffSome);
    assert_eq!(diff.replaces, ["state"]);
}

#[tokio::test(start_paused = true)]
async fn corrections_have_an_end_that_names_what_aws_does_not_keep() {
    let stage = Stage::new(THING);
    lock(&stage.world).forgetful = true;
    let inputs = json!({"place": "here", "size": 5, "members": ["a"]});
    let status = stage.create(inputs.clone()).await.unwrap_err();
    let (kept, reason) = Stage::unfinished(&stage.checked(inputs).await, &status);
    assert_eq!(kept.id, "thing-1");
    assert_eq!(stage.count("update"), 20);
    assert!(reason.contains("does not keep, what is asked for size"), "{reason}");
    assert!(!reason.contains("is replaced"), "nothing replaces it: {reason}");
}

#[tokio::test(start_paused = true)]
async fn time_that_is_up_keeps_the_id_and_the_next_up_goes_on() {
    let inputs = json!({"place": "here", "size": 5});
    for (custom, expected) in [(Duration::from_secs(90), 90), (Duration::ZERO, 15 * 60)] {
        let stage = Stage::new(THING);
        lock(&stage.world).looks.extend(repeat_n(Look::Pending, 10_000));
        let begun = Instant::now();
        let status = stage.create_within(inputs.clone(), custom).await.unwrap_err();
        assert_eq!(begun.elapsed().as_secs(), expected);
        assert_eq!(status.code(), Code::DeadlineExceeded);
        let (kept, reason) = Stage::unfinished(&stage.checked(inputs.clone()).await, &status);
        assert_eq!(kept.id, "thing-1");
        assert_eq!(kept.properties["state"].as_str(), Some("pending"));
        assert!(reason.contains("still pending after"), "{reason}");

        lock(&stage.world).looks.clear();
        let settled = stage.again().update(&kept, inputs.clone()).await.unwrap();
        assert_eq!(settled.properties["state"].as_str(), Some("ready"));
        assert_eq!(lock(&stage.world).things["thing-1"].inputs.size, 5);
    }
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_is_lost_ends_no_wait_and_none_for_minutes_does() {
    let silence = [Answer::Dropped, THROTTLED, Answer::Dropped];
    let stage = Stage::new(THING);
    lock(&stage.world).looks.extend([Look::Pending, Look::Pending]);
    stage.script("read", [Answer::Act].into_iter().chain(silence));
    let kept = stage.create(json!({"place": "here"})).await.unwrap();
    let seen = stage.count("read");
    lock(&stage.world).looks.extend([Look::Pending, Look::Pending]);
    stage.script("read", [Answer::Act].into_iter().chain(silence));
    stage.delete(&kept).await.unwrap();
    assert_eq!((seen, stage.count("read") - seen), (6, 6));

    let inputs = json!({"place": "here"});
    let stage = Stage::new(THING);
    stage.script("read", repeat_n(Answer::Dropped, 10_000));
    let begun = Instant::now();
    let status = stage.create(inputs.clone()).await.unwrap_err();
    assert!((300..306).contains(&begun.elapsed().as_secs()), "{:?}", begun.elapsed());
    assert_eq!(status.code(), Code::Unavailable);
    let (kept, reason) = Stage::unfinished(&stage.checked(inputs).await, &status);
    assert_eq!(kept.id, "thing-1");
    assert!(reason.contains("connection reset"), "{reason}");

    // What AWS does say ends it at once.
    let stage = stage.again();
    lock(&stage.world).answers.clear();
    stage.script("read", [Answer::Refuse("UnauthorizedOperation")]);
    let status = stage.delete(&kept).await.unwrap_err();
    assert_eq!(status.code(), Code::PermissionDenied);
}

#[tokio::test(start_paused = true)]
async fn breaking_off_keeps_id_and_state() {
    let stage = Stage::new(THING);
    lock(&stage.world).looks.extend(repeat_n(Look::Pending, 100_000));
    let inputs = json!({"place": "here"});
    let begun = Instant::now();
    let (ended, ()) = tokio::join!(stage.create(inputs.clone()), async {
        let never = std::future::pending::<()>();
        drop(timeout(Duration::from_secs(20), never).await);
        stage.cancel().await;
    });
    assert_eq!(begun.elapsed().as_secs(), 20);
    let status = ended.unwrap_err();
    assert_eq!(status.code(), Code::Cancelled);
    let (kept, reason) = Stage::unfinished(&stage.checked(inputs).await, &status);
    assert_eq!(kept.id, "thing-1");
    assert_eq!(kept.properties["serial"].as_str(), Some("serial of thing-1"));
    assert!(reason.contains("broken off while pending"), "{reason}");
}

#[tokio::test(start_paused = true)]
async fn an_update_without_a_difference_is_a_wait_alone() {
    let stage = Stage::new(THING);
    let kept = stage.create(json!({"place": "here"})).await.unwrap();
    stage.update(&kept, json!({"place": "here"})).await.unwrap();
    assert_eq!(stage.count("update"), 0);
    stage.script("update", [THROTTLED, Answer::Dropped, Answer::Lost]);
    let kept = stage.update(&kept, json!({"place": "here", "size": 7})).await.unwrap();
    assert_eq!(stage.count("update"), 4);
    assert_eq!(as_json(&kept.properties)["size"], 7);
}

#[tokio::test(start_paused = true)]
async fn an_update_that_is_refused_leaves_the_state_as_it_was() {
    let stage = Stage::new(THING);
    let kept = stage.create(json!({"place": "here"})).await.unwrap();
    stage.script("update", [Answer::Refuse("UnauthorizedOperation")]);
    let status = stage
        .update(&kept, json!({"place": "here", "size": 7}))
        .await
        .unwrap_err();
    assert_eq!(status.code(), Code::PermissionDenied);
    assert!(groundwork_wire::status::init_failed(&status).is_none());
}

#[tokio::test(start_paused = true)]
async fn a_deletion_waits_for_what_still_uses_it() {
    let stage = Stage::new(THING);
    let kept = stage.create(json!({"place": "here"})).await.unwrap();
    stage.script("delete", [IN_USE, IN_USE, THROTTLED, Answer::Dropped, IN_USE]);
    stage.delete(&kept).await.unwrap();
    assert_eq!(stage.count("delete"), 6);
    assert!(lock(&stage.world).things.is_empty());
    stage.delete(&kept).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_deletion_ends_when_nothing_is_to_be_seen() {
    let stage = Stage::new(THING);
    let kept = stage.create(json!({"place": "here"})).await.unwrap();
    let before = stage.count("read");
    lock(&stage.world)
        .looks
        .extend([Look::Pending, Look::Failed, Look::Pending]);
    stage.delete(&kept).await.unwrap();
    assert_eq!((stage.count("delete"), stage.count("read") - before), (1, 4));

    let kept = stage.create(json!({"place": "there"})).await.unwrap();
    lock(&stage.world).looks.extend(repeat_n(Look::Pending, 10_000));
    let begun = Instant::now();
    let status = stage.delete_within(&kept, Duration::from_secs(30)).await.unwrap_err();
    assert_eq!((status.code(), begun.elapsed().as_secs()), (Code::DeadlineExceeded, 30));
}

#[tokio::test(start_paused = true)]
async fn a_deletion_that_aws_gives_up_is_asked_for_once_more_and_told_then() {
    let stage = Stage::new(THING);
    let kept = stage.create(json!({"place": "here"})).await.unwrap();
    // Within a minute it may look as it did before.
    lock(&stage.world)
        .looks
        .extend([Look::Failed, Look::Failed, Look::Pending]);
    stage.delete(&kept).await.unwrap();
    assert_eq!(stage.count("delete"), 1);

    let kept = stage.create(json!({"place": "here"})).await.unwrap();
    lock(&stage.world).looks.extend(repeat_n(Look::Failed, 10_000));
    let begun = Instant::now();
    let status = stage.delete(&kept).await.unwrap_err();
    assert_eq!(stage.count("delete"), 3);
    assert!((120..140).contains(&begun.elapsed().as_secs()), "{:?}", begun.elapsed());
    let text = status.message();
    assert!(text.contains("given its deletion up, twice: it broke"), "{text}");
    assert!(text.contains("nothing is replaced"), "{text}");
}

#[tokio::test(start_paused = true)]
async fn what_inputs_cannot_tell_is_seen_to_as_well() {
    let stage = Stage::new(THING);
    lock(&stage.world).looks.extend([Look::Half, Look::Half]);
    stage.create(json!({"place": "here"})).await.unwrap();
    assert_eq!(stage.count("update"), 2);
}

#[tokio::test(start_paused = true)]
async fn a_deletion_that_happened_without_an_answer_is_one() {
    let stage = Stage::new(THING);
    let kept = stage.create(json!({"place": "here"})).await.unwrap();
    stage.script("delete", [Answer::Lost, Answer::Refuse("InvalidThingID.NotFound")]);
    stage.delete(&kept).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_deletion_that_is_never_possible_names_what_is_in_the_way() {
    let stage = Stage::new(THING);
    let kept = stage.create(json!({"place": "here"})).await.unwrap();
    stage.script("delete", repeat_n(IN_USE, 10_000));
    lock(&stage.world).obstacles = vec!["eni-1 (a load balancer's)".to_owned(), "eni-2".to_owned()];
    let begun = Instant::now();
    let status = stage.delete_within(&kept, Duration::from_secs(45)).await.unwrap_err();
    assert_eq!(begun.elapsed().as_secs(), 45);
    let text = status.message();
    assert!(text.contains("in the way: eni-1 (a load balancer's); eni-2"), "{text}");
    assert!(
        text.contains("DependencyViolation") && text.contains("remove what uses it"),
        "{text}"
    );
    assert!(!text.contains("is replaced"), "{text}");
}

#[tokio::test(start_paused = true)]
async fn a_deletion_is_refused_or_broken_off_without_losing_the_thing() {
    let stage = Stage::new(THING);
    let kept = stage.create(json!({"place": "here"})).await.unwrap();
    stage.script("delete", [Answer::Refuse("UnauthorizedOperation")]);
    assert_eq!(stage.delete(&kept).await.unwrap_err().code(), Code::PermissionDenied);
    stage.script("delete", repeat_n(IN_USE, 10_000));
    let (ended, ()) = tokio::join!(stage.delete(&kept), async {
        let never = std::future::pending::<()>();
        drop(timeout(Duration::from_secs(20), never).await);
        stage.cancel().await;
    });
    assert_eq!(ended.unwrap_err().code(), Code::Cancelled);
    assert_eq!(lock(&stage.world).things.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_deletion_of_several_steps_takes_them_one_by_one_and_is_looked_after() {
    let stage = Stage::new(THING);
    let kept = stage.create(json!({"place": "here"})).await.unwrap();
    lock(&stage.world).steps = 20;
    lock(&stage.world).looks.extend(repeat_n(Look::Pending, 10));
    let begun = Instant::now();
    stage.delete(&kept).await.unwrap();
    assert_eq!(stage.count("delete"), 21);
    // From when AWS took it on, not while something else was in the way.
    let nudged = lock(&stage.world).nudged;
    assert!(nudged > Duration::from_secs(10), "{nudged:?}");
    assert!(begun.elapsed() > nudged + Duration::from_mins(1), "{nudged:?}");

    let kept = stage.create(json!({"place": "there"})).await.unwrap();
    lock(&stage.world).steps = 10_000;
    let status = stage.delete_within(&kept, Duration::from_secs(30)).await.unwrap_err();
    assert!(status.message().contains("switching something off"), "{status}");
}

#[tokio::test(start_paused = true)]
async fn what_is_made_anew_by_others_is_deleted_again_until_it_stays_gone() {
    let stage = Stage::new(THING);
    let kept = stage.create(json!({"place": "quiet for 90"})).await.unwrap();
    lock(&stage.world).rebirths = 2;
    let begun = Instant::now();
    stage.delete(&kept).await.unwrap();
    assert_eq!(stage.count("delete"), 3);
    assert!(lock(&stage.world).things.is_empty());
    assert!(begun.elapsed() >= Duration::from_secs(90), "{:?}", begun.elapsed());

    let kept = stage.create(json!({"place": "here"})).await.unwrap();
    let begun = Instant::now();
    stage.delete(&kept).await.unwrap();
    assert_eq!(begun.elapsed(), Duration::ZERO, "what nobody makes anew is not watched");
}

#[tokio::test(start_paused = true)]
async fn a_deletion_ends_when_nothing_of_the_thing_is_left_or_names_what_is() {
    let stage = Stage::new(THING);
    let kept = stage.create(json!({"place": "here"})).await.unwrap();
    lock(&stage.world).leftovers = vec!["eni-1".to_owned(), "eni-2".to_owned()];
    stage.delete(&kept).await.unwrap();
    assert_eq!(stage.count("leftovers"), 3);

    let kept = stage.create(json!({"place": "there"})).await.unwrap();
    lock(&stage.world).leftovers = vec!["eni-3 (available)".to_owned(); 10_000];
    let status = stage.delete_within(&kept, Duration::from_secs(30)).await.unwrap_err();
    assert_eq!(status.code(), Code::DeadlineExceeded);
    assert!(status.message().contains("eni-3 (available)"), "{status}");
}

#[tokio::test(start_paused = true)]
async fn what_was_adopted_outlives_its_deletion() {
    let stage = Stage::new(THING);
    let kept = stage.create(json!({"place": "adopted"})).await.unwrap();
    let looks = stage.count("read");
    stage.delete(&kept).await.unwrap();
    assert_eq!(stage.count("read"), looks);
}

#[tokio::test(start_paused = true)]
async fn a_refresh_finds_no_difference_where_there_is_none() {
    let stage = Stage::new(THING);
    let news = json!({
        "place": "here", "range": "2001:DB8:0::/32", "word": "secret", "members": [], "tags": {"a": "b"},
    });
    let kept = stage.create(news.clone()).await.unwrap();
    let seen = stage.read(&kept.id, Some(&kept)).await.unwrap().unwrap();
    // The user's spelling, what is never given back, an empty list; and no zone, which AWS chose.
    assert_eq!(seen.inputs, kept.inputs);
    assert_eq!(as_json(&seen.inputs)["range"], "2001:DB8:0::/32");
    assert!(matches!(seen.inputs["word"], PropertyValue::Secret(_)));
    assert_eq!(seen.properties, kept.properties);
    assert_eq!(
        stage.diff(&seen, as_json(&kept.inputs), &[]).await.changes(),
        DiffChanges::DiffNone
    );

    // What somebody changed is a difference; nobody's list and an empty one are the same.
    let body = |change: &dyn Fn(&mut super::thing::ThingInputs)| {
        change(&mut lock(&stage.world).things.get_mut("thing-1").unwrap().inputs);
    };
    body(&|inputs| {
        inputs.size = 9;
        inputs.range = Some("2001:db9::/32".parse().unwrap());
        inputs.members = None;
        inputs.tags = None;
    });
    let seen = stage.read(&kept.id, Some(&kept)).await.unwrap().unwrap();
    assert_eq!(
        as_json(&seen.inputs),
        json!({"place": "here", "size": 9, "range": "2001:db9::/32", "word": "secret", "members": []})
    );
    let diff = stage.diff(&seen, as_json(&kept.inputs), &[]).await;
    assert_eq!(diff.diffs, ["range", "size", "tags"]);
}

#[tokio::test(start_paused = true)]
async fn what_was_given_as_a_secret_stays_one_when_it_drifts() {
    let stage = Stage::new(THING);
    let made = stage
        .create(json!({"place": "here", "members": ["a"], "word": "open"}))
        .await
        .unwrap();
    let facts = |kept: &Kept| kept.properties[ORIGIN].as_object().unwrap()["facts"].clone();
    assert!(facts(&made).contains_secret(), "it may be told of a secret");
    let mut last = made.clone();
    for map in [&mut last.inputs, &mut last.properties] {
        let members = map.remove("members").unwrap();
        map.insert("members".to_owned(), PropertyValue::secret(members));
    }
    for thing in lock(&stage.world).things.values_mut() {
        thing.inputs.members = Some(vec!["b".to_owned()]);
    }
    let seen = stage.read(&made.id, Some(&last)).await.unwrap().unwrap();
    assert!(facts(&seen).contains_secret());
    for map in [&seen.inputs, &seen.properties] {
        assert_eq!(map["members"], PropertyValue::secret(json!(["b"]).into()));
    }
}

#[tokio::test(start_paused = true)]
async fn an_import_has_full_inputs() {
    let stage = Stage::new(THING);
    stage
        .create(json!({"place": "here", "range": "2001:DB8::/32", "word": "secret"}))
        .await
        .unwrap();
    let seen = stage.again().read("thing-1", None).await.unwrap().unwrap();
    assert_eq!(
        as_json(&seen.inputs),
        json!({"place": "here", "size": 1, "range": "2001:db8::/32", "zone": "zone-1"})
    );
    assert_eq!(stage.checked(as_json(&seen.inputs)).await, seen.inputs);
    let status = stage.read("tihng-1", None).await.unwrap_err();
    assert_eq!(status.code(), Code::InvalidArgument);
}

#[tokio::test(start_paused = true)]
async fn gone_is_told_by_aws_alone() {
    let stage = Stage::new(THING);
    let kept = stage.create(json!({"place": "here"})).await.unwrap();
    stage.script("read", [Answer::Refuse("UnauthorizedOperation"), Answer::Dropped]);
    assert!(stage.read(&kept.id, Some(&kept)).await.is_err());
    assert!(stage.read(&kept.id, Some(&kept)).await.is_err());
    lock(&stage.world).things.clear();
    assert!(stage.read(&kept.id, Some(&kept)).await.unwrap().is_none());
}

#[tokio::test(start_paused = true)]
async fn a_refresh_tells_of_what_can_never_be_used() {
    let stage = Stage::new(THING);
    let kept = stage.create(json!({"place": "here"})).await.unwrap();
    lock(&stage.world).looks.push_back(Look::Failed);
    let status = stage.read(&kept.id, Some(&kept)).await.unwrap_err();
    let (seen, reason) = Stage::unfinished(&kept.inputs, &status);
    assert_eq!(seen.properties["state"].as_str(), Some("failed"));
    assert!(reason.contains("it broke"), "{reason}");
}

#[tokio::test(start_paused = true)]
async fn a_state_from_elsewhere_is_refused_before_any_call() {
    let stage = Stage::new(THING);
    let kept = stage.create(json!({"place": "here"})).await.unwrap();
    let before = lock(&stage.world).calls.len();
    let origin = |schema: u32, account: &str, region: &str| {
        let mut kept = kept.clone();
        let origin = json!({"schema": schema, "account": account, "region": region});
        kept.properties.extend(properties(json!({"__groundwork": origin})));
        kept
    };
    for (kept, word) in [
        (origin(1, "999900001111", REGION), "account 999900001111"),
        (origin(1, super::ACCOUNT, "eu-west-1"), "region eu-west-1"),
        (origin(99, super::ACCOUNT, REGION), "a newer groundwork"),
    ] {
        let errors = [
            stage.read(&kept.id, Some(&kept)).await.map(drop).unwrap_err(),
            stage
                .update(&kept, json!({"place": "here", "size": 3}))
                .await
                .map(drop)
                .unwrap_err(),
            stage.delete(&kept).await.unwrap_err(),
        ];
        for status in errors {
            assert_eq!(status.code(), Code::InvalidArgument);
            assert!(status.message().contains(word), "{}", status.message());
        }
    }
    assert_eq!(lock(&stage.world).calls.len(), before);
    assert_eq!(lock(&stage.world).things.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn what_a_provider_that_was_killed_made_is_taken_over_alive_only() {
    let stage = Stage::new(THING);
    stage.create(json!({"place": "here"})).await.unwrap();
    // Nobody heard of it: the next process is asked to create the same.
    let next = stage.again();
    assert_eq!(next.create(json!({"place": "here"})).await.unwrap().id, "thing-1");
    // What failed meanwhile is of no use.
    lock(&stage.world).looks.push_back(Look::Failed);
    let next = stage.again();
    assert_eq!(next.create(json!({"place": "here"})).await.unwrap().id, "thing-2");
    // Another creation is not this one.
    assert_eq!(next.create(json!({"place": "elsewhere"})).await.unwrap().id, "thing-3");
}

#[tokio::test(start_paused = true)]
async fn a_replacement_never_takes_over_what_it_replaces() {
    let stage = Stage::new(THING);
    let kept = stage.create(json!({"place": "here"})).await.unwrap();
    let next = stage.again();
    next.check(Some(&kept.inputs), json!({"place": "here"})).await;
    let replacement = next.create(json!({"place": "here"})).await.unwrap();
    assert_eq!(replacement.id, "thing-2");
    next.delete(&kept).await.unwrap();
    assert_eq!(lock(&stage.world).things.keys().collect::<Vec<_>>(), ["thing-2"]);
}

#[tokio::test(start_paused = true)]
async fn what_a_replacement_took_over_is_not_deleted_as_the_thing_it_replaces() {
    let stage = Stage::new(LINK);
    let kept = stage.create(json!({"place": "here"})).await.unwrap();
    let next = stage.again();
    next.check(Some(&kept.inputs), json!({"place": "here"})).await;
    next.script("create", [Answer::Refuse("RouteAlreadyExists")]);
    assert_eq!(next.create(json!({"place": "here"})).await.unwrap().id, kept.id);
    next.delete(&kept).await.unwrap();
    assert_eq!((next.count("delete"), lock(&stage.world).things.len()), (0, 1));
    // Asked once: the next deletion is meant.
    next.delete(&kept).await.unwrap();
    assert!(lock(&stage.world).things.is_empty());
}

#[tokio::test(start_paused = true)]
async fn an_empty_map_of_properties_has_no_origin_and_no_owner() {
    let stage = Stage::new(THING);
    stage.create(json!({"place": "here"})).await.unwrap();
    let known = Kept {
        id: "thing-1".to_owned(),
        inputs: PropertyMap::new(),
        properties: properties(json!({"place": "here"})),
    };
    assert!(stage.read("thing-1", Some(&known)).await.unwrap().is_some());
}
