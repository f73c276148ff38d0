//! AWS: who asks, where, and why not.
