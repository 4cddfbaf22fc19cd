//! The real server on loopback, and clients that mean harm.
