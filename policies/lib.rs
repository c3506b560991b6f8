//! The policy pack: findings that a stock engine reports at preview.
