//! server/lms
