//! Helm: releases. One file a noun, as in `contract/helm`.

mod release;
mod runner;
