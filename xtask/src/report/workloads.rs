//! What the workloads of `bench` cost every allocator, as pictures: one for each workload.

use anyhow::Result;

use super::charts::{self, Bar, over_best};
use super::measured::MOST_TIMES;
use super::page::{Figure, Group};
use crate::bench::Workload;
use crate::measure::program::{Kind, Subject};

/// The pictures of each level, under a title.
///
/// # Errors
///
/// One cannot be drawn.
pub(super) fn groups(workloads: &[Workload]) -> Result<Vec<Group>> {
    let mut groups = Vec::new();
    for level in ["bytes", "pages"] {
        let of_level =
            workloads.iter().filter(|workload| workload.load.level == level && !workload.found.is_empty());
        let figures: Vec<Figure> = of_level.map(figure).collect::<Result<_>>()?;
        if !figures.is_empty() {
            groups.push(Group { title: format!("Workloads: {level}"), missing: Vec::new(), figures });
        }
    }
    Ok(groups)
}

fn figure(workload: &Workload) -> Result<Figure> {
    let Workload { load, found } = workload;
    let of = |(subject, value): &(Subject, f64)| (subject.name.clone(), subject.kind, *value);
    let (bars, reading) = if load.figure == "efficiency" {
        // What could be asked for is a share of the memory; the memory that it took is its inverse.
        let bar = |(name, kind, share): (String, Kind, f64)| Bar {
            name,
            value: 1.0 / share.max(f64::EPSILON),
            ours: kind.is_of_this_project(),
        };
        (
            found.iter().map(of).map(bar).collect(),
            "Memory for each byte that was asked for: 1 is the least".to_owned(),
        )
    } else {
        let (bars, best) = over_best(found.iter().map(of));
        let which = if load.figure == "worst" { "worst operation" } else { "mean operation" };
        (bars, format!("Instructions of the {which}, {best}"))
    };
    Ok(Figure {
        name: format!("workload-{}", load.name),
        title: load.name.clone(),
        about: format!("{}. {reading}. Shorter is better.", load.about),
        svg: charts::bars(&bars, MOST_TIMES)?,
    })
}

#[cfg(test)]
mod tests {
    use super::groups;
    use crate::bench::Workload;
    use crate::measure::program::{Load, Subject};

    fn workload(name: &str, level: &str, figure: &str, found: &[(&str, &str, f64)]) -> Workload {
        let subject = |name: &str, kind: &str| -> Subject {
            serde_json::from_str(&format!(r#"{{"name":"{name}","kind":"{kind}","level":"{level}","note":""}}"#))
                .unwrap()
        };
        let load =
            Load { name: name.into(), level: level.into(), figure: figure.into(), about: "what it does".into() };
        Workload { load, found: found.iter().map(|(name, kind, value)| (subject(name, kind), *value)).collect() }
    }

    #[test]
    fn every_workload_is_a_picture_in_the_group_of_its_level() {
        let rows = [("mine", "ours", 30.0), ("peer", "peer", 20.0), ("libc", "hosted", 10.0)];
        let groups = groups(&[
            workload("a", "pages", "worst", &rows),
            workload("b", "bytes", "mean", &rows),
            workload("c", "bytes", "mean", &[]),
        ])
        .unwrap();
        let titles: Vec<&str> = groups.iter().map(|group| group.title.as_str()).collect();
        assert_eq!(titles, ["Workloads: bytes", "Workloads: pages"]);
        let [blocks, runs] = [&groups[0].figures, &groups[1].figures];
        assert_eq!((blocks.len(), runs.len()), (1, 1));
        // The best other one is the best peer: what lives on an operating system is no measure.
        assert!(blocks[0].about.contains("which takes 20") && blocks[0].svg.contains("1.50"), "{:?}", blocks[0]);
        assert!(runs[0].about.contains("worst operation") && runs[0].name == "workload-a", "{:?}", runs[0]);
    }

    #[test]
    fn a_share_that_could_be_asked_for_is_shown_as_the_memory_it_took() {
        let groups = groups(&[workload("fill", "bytes", "efficiency", &[("mine", "ours", 0.8)])]).unwrap();
        assert!(
            groups[0].figures[0].svg.contains("1.25") && groups[0].figures[0].about.contains("1 is the least")
        );
    }
}
