//! Marks, with AWS's answers as they come.

use std::sync::Arc;

use super::{
    ACCOUNT, REGION,
    wire::{self, Call, Reply, Wire},
};
use crate::{marks::Marks, resource::Carrier};

fn ids(call: &Call) -> Vec<&str> {
    call.all("ResourceId.")
}

#[tokio::test]
async fn marks_come_off_a_thousand_at_a_time() {
    let wire = Wire::new(|_| Reply::Ok(wire::deleted_tags()));
    let marks = Marks::default();
    for number in 0..2500 {
        marks.note_safe(Carrier::Ec2, &format!("thing-{number}"));
    }
    let aws = wire.aws(ACCOUNT, REGION);
    marks.clear(&aws).await;
    let sizes: Vec<usize> = wire.calls("DeleteTags").iter().map(|call| ids(call).len()).collect();
    assert_eq!(sizes, [1000, 1000, 500]);
    for call in wire.calls("DeleteTags") {
        assert_eq!(call.all("Tag."), ["groundwork%3Apending"], "whatever the mark is");
    }
    marks.clear(&aws).await;
    assert_eq!(wire.calls("DeleteTags").len(), 3, "what is done is done");
}

#[tokio::test]
async fn one_id_that_is_gone_leaves_no_mark_on_the_others() {
    let wire = Wire::new(|call| {
        if ids(call).contains(&"thing-2") {
            Reply::Error("InvalidID")
        } else {
            Reply::Ok(wire::deleted_tags())
        }
    });
    let marks = Marks::default();
    for id in ["thing-1", "thing-2", "thing-3", "thing-4"] {
        marks.note_safe(Carrier::Ec2, id);
    }
    marks.forget(Carrier::Ec2, "thing-4");
    marks.clear(&wire.aws(ACCOUNT, REGION)).await;
    let calls = wire.calls("DeleteTags");
    let calls: Vec<Vec<&str>> = calls.iter().map(ids).collect();
    assert_eq!(
        calls,
        [
            vec!["thing-1", "thing-2", "thing-3"],
            vec!["thing-1"],
            vec!["thing-2"],
            vec!["thing-3"]
        ]
    );
}

#[tokio::test]
async fn one_process_looks_once_and_anew_after_a_lost_answer() {
    let wire = Wire::new(|_| {
        Reply::Ok(wire::described_tags(
            [("thing-1", "abc"), ("thing-2", "def")].into_iter(),
        ))
    });
    let aws = wire.aws(ACCOUNT, REGION);
    let marks = Arc::new(Marks::default());
    let (first, second) = tokio::join!(marks.recover(&aws, "thing", "abc"), marks.recover(&aws, "thing", "def"));
    assert_eq!(first.unwrap(), ["thing-1"]);
    assert_eq!(second.unwrap(), ["thing-2"]);
    assert!(
        marks.recover(&aws, "subnet", "abc").await.unwrap().is_empty(),
        "another kind"
    );
    assert_eq!(wire.calls("DescribeTags").len(), 1);
    assert_eq!(marks.recover_now(&aws, "thing", "abc").await.unwrap(), ["thing-1"]);
    let calls = wire.calls("DescribeTags");
    assert_eq!(calls[1].all("Filter.2.Value.1"), ["abc"]);
}

#[tokio::test]
async fn a_look_that_failed_is_no_look() {
    let wire = Wire::new(|_| Reply::Reset);
    let marks = Marks::default();
    let aws = wire.aws(ACCOUNT, REGION);
    for looks in 1..=2 {
        assert!(marks.recover(&aws, "thing", "abc").await.is_err());
        assert_eq!(wire.calls("DescribeTags").len(), looks);
    }
}
