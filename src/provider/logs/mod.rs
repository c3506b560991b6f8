//! Amazon `CloudWatch` Logs. One file a noun, as in `contract/logs`.

mod log_group;
