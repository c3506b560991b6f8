//! Helm: releases.
