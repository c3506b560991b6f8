//! How much of an instance its pods can have.

use serde_json::{Value, json};

use super::view::Instance;

/// Capacity and allocatable of a node. EKS's nodes keep a part of both for themselves: of the processors 6 % of the first,
/// 1 % of the second, half a percent of the next two and a quarter of the others; of the memory 255 MiB, 11 MiB a pod and
/// 100 MiB below which pods are evicted (the bootstrap script of EKS's images).
pub(crate) fn of(instance: &Instance, max_pods: Option<u64>) -> (Value, Value) {
    let pods = max_pods.or(instance.max_pods).unwrap_or(110);
    let cores = instance.vcpus.unwrap_or(2);
    let memory = instance.memory_mib.unwrap_or(4096);
    let reserved_cpu: u64 = (0..cores)
        .map(|core| match core {
            0 => 6000,
            1 => 1000,
            2 | 3 => 500,
            _ => 250,
        })
        .sum::<u64>()
        / 100;
    let reserved_memory = 255 + 11 * pods + 100;
    let capacity = json!({"cpu": cores.to_string(), "memory": format!("{memory}Mi"), "pods": pods.to_string()});
    let allocatable = json!({
        "cpu": format!("{}m", cores * 1000 - reserved_cpu),
        "memory": format!("{}Mi", memory.saturating_sub(reserved_memory)),
        "pods": pods.to_string(),
    });
    (capacity, allocatable)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kubernetes::controllers::tests::instance;

    #[test]
    fn two_processors_leave_1930_millicores() {
        let (capacity, allocatable) = of(&instance("i-1"), None);
        assert_eq!(capacity, json!({"cpu": "2", "memory": "4096Mi", "pods": "17"}));
        assert_eq!(allocatable, json!({"cpu": "1930m", "memory": "3554Mi", "pods": "17"}));
    }

    #[test]
    fn user_data_has_the_last_word_on_pods() {
        let (capacity, _) = of(&instance("i-1"), Some(110));
        assert_eq!(capacity["pods"], json!("110"));
    }
}
