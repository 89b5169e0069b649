//! Columns, and how they share the width.

use std::cmp::Ordering;

use ratatui::text::Line;

use crate::look::Look;

/// How wide a column is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Width {
    /// So many cells.
    Fixed(u16),
    /// What is left, shared by weight among the columns that fill, and at least 8 cells.
    Fill(u16),
}

/// The least a filling column gets before others are dropped for it.
const LEAST_FILL: u16 = 8;
/// Between two columns.
pub(super) const GAP: u16 = 2;
/// Before the selected row.
pub(super) const POINTER: u16 = 2;

type CellOf<R> = Box<dyn Fn(&R, &Look) -> Line<'static>>;
type Order<R> = Box<dyn Fn(&R, &R) -> Ordering>;

/// One column: its heading, its width, what it shows of a row.
pub struct Column<R> {
    pub(super) title: &'static str,
    pub(super) width: Width,
    pub(super) right: bool,
    /// What a filling column gets before others are left out for it.
    pub(super) least: u16,
    /// Where there is no room, columns with the highest number go first; 0 stays.
    pub(super) drop_order: u8,
    pub(super) cell: CellOf<R>,
    pub(super) order: Option<Order<R>>,
}

impl<R> Column<R> {
    /// A column that stays however narrow the table is. Its cell is cleaned before it is drawn.
    pub fn new(title: &'static str, width: Width, cell: impl Fn(&R, &Look) -> Line<'static> + 'static) -> Self {
        Self { title, width, right: false, least: LEAST_FILL, drop_order: 0, cell: Box::new(cell), order: None }
    }

    /// Aligned to the right.
    #[must_use]
    pub fn right(mut self) -> Self {
        self.right = true;
        self
    }

    /// A filling column that gets at least so many cells, as long as there are others that can be left out for it.
    #[must_use]
    pub fn least(mut self, cells: u16) -> Self {
        self.least = cells;
        self
    }

    /// Left out where there is no room, the highest number first; 0 stays.
    #[must_use]
    pub fn keep(mut self, drop_order: u8) -> Self {
        self.drop_order = drop_order;
        self
    }

    /// Rows can be sorted by this column.
    #[must_use]
    pub fn sorted_by(mut self, order: impl Fn(&R, &R) -> Ordering + 'static) -> Self {
        self.order = Some(Box::new(order));
        self
    }

    /// Its share of what is left.
    fn weight(&self) -> u32 {
        match self.width {
            Width::Fixed(_) => 0,
            Width::Fill(weight) => weight.into(),
        }
    }
}

/// The columns there is room for, and how wide each is.
pub(super) fn widths<R>(columns: &[Column<R>], room: u16) -> Vec<(usize, u16)> {
    let mut kept: Vec<usize> = (0..columns.len()).collect();
    let least = |at: usize, generous: bool| match columns[at].width {
        Width::Fixed(cells) => cells,
        Width::Fill(_) if generous => columns[at].least,
        Width::Fill(_) => LEAST_FILL,
    };
    let needed = |kept: &[usize], generous: bool| {
        kept.iter().map(|at| least(*at, generous) + GAP).sum::<u16>().saturating_add(POINTER)
    };
    while needed(&kept, true) > room {
        let Some(worst) =
            kept.iter().copied().filter(|at| columns[*at].drop_order > 0).max_by_key(|at| columns[*at].drop_order)
        else {
            break;
        };
        kept.retain(|at| *at != worst);
    }
    let generous = needed(&kept, true) <= room;
    let spare = room.saturating_sub(needed(&kept, generous));
    let all_weights: u32 = kept.iter().map(|at| columns[*at].weight()).sum();
    let cells = |at: usize| match columns[at].width {
        Width::Fixed(fixed) => fixed,
        Width::Fill(_) => {
            let extra = u32::from(spare) * columns[at].weight() / all_weights.max(1);
            least(at, generous) + u16::try_from(extra).unwrap_or(u16::MAX)
        }
    };
    kept.into_iter().map(|at| (at, cells(at))).collect()
}
