//! What the three full-screen programs share.
