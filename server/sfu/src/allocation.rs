//! Which layer each slot of one viewer gets when the connection does not carry the best of all.

/// What one slot could show.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Demand {
    /// Larger wins.
    pub(crate) priority: u8,
    /// Bitrates of the layers that may be shown, smallest picture first, the best for the tile last, in bit/s.
    pub(crate) layers_bps: Vec<u64>,
}

/// The index of the layer for each demand. Everybody gets the smallest layer; what is left of the budget raises the
/// layers step by step, by priority and then in order. Without a budget everybody gets the best.
pub(crate) fn allocate(demands: &[Demand], budget_bps: Option<u64>) -> Vec<usize> {
    let best = |demand: &Demand| demand.layers_bps.len().saturating_sub(1);
    let Some(budget_bps) = budget_bps else { return demands.iter().map(best).collect() };
    let mut chosen = vec![0; demands.len()];
    let smallest: u64 = demands.iter().filter_map(|demand| demand.layers_bps.first()).sum();
    let mut left_bps = budget_bps.saturating_sub(smallest);
    let mut order: Vec<usize> = (0..demands.len()).collect();
    order.sort_by_key(|at| std::cmp::Reverse(demands[*at].priority));
    // Each round raises nobody by more than one step, so that equals stay equal; there are as many rounds as layers.
    loop {
        let mut raised = false;
        for &at in &order {
            let layers = &demands[at].layers_bps;
            let Some(next) = layers.get(chosen[at] + 1) else { continue };
            let extra_bps = next.saturating_sub(layers[chosen[at]]);
            if extra_bps <= left_bps {
                left_bps -= extra_bps;
                chosen[at] += 1;
                raised = true;
            }
        }
        if !raised {
            return chosen;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(demands: &[(u8, &[u64])], budget_bps: Option<u64>, expected: &[usize]) {
        let demands: Vec<Demand> = demands
            .iter()
            .map(|(priority, layers)| Demand { priority: *priority, layers_bps: layers.to_vec() })
            .collect();
        assert_eq!(allocate(&demands, budget_bps), expected, "{demands:?} with {budget_bps:?}");
    }

    const CAMERA: &[u64] = &[100, 400, 1200];

    #[test]
    fn without_a_budget_everybody_gets_the_best_layer() {
        check(&[(0, CAMERA), (9, &[100]), (0, &[])], None, &[2, 0, 0]);
    }

    #[test]
    fn everybody_gets_the_smallest_layer_even_when_it_does_not_fit() {
        check(&[(0, CAMERA), (0, CAMERA)], Some(0), &[0, 0]);
    }

    #[test]
    fn what_is_left_raises_the_important_first_and_equals_alike() {
        check(&[(0, CAMERA), (1, CAMERA)], Some(500), &[0, 1]);
        check(&[(0, CAMERA), (0, CAMERA)], Some(800), &[1, 1]);
        check(&[(0, CAMERA), (1, CAMERA)], Some(1600), &[1, 2]);
    }
}
