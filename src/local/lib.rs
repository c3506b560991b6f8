//! The local cloud: tools, processes and stand-ins that let everything run without an AWS account.
