//! What exists: every resource's inputs and outputs, and all that follows from them. No I/O.
