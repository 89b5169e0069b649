//! How nodes introduce themselves, and how that is judged.

use crate::NodeId;

/// What a node says of itself when a stream opens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hello {
    /// Which cluster it belongs to.
    pub cluster_id: String,
    /// Raised when a lost majority is recovered; older epochs are refused.
    pub epoch: u64,
    /// Who it is.
    pub node: NodeId,
    /// Made once, when its disk was founded: a wiped node that comes back has another one (trap 6).
    pub incarnation: String,
}
