//! Leases from beginning to end, on the testbed and on a real cloud with Blazar.
//!
//! The same cases run at both places. The real one is named by `TERRARIUM_REAL_CLOUD`
//! (`student@/path/of/clouds.yaml`); it needs two nodes of the type `gpu_v100`, a flavor
//! `baremetal`, floating IPs to reserve in `public`, and twenty minutes.

mod cases;
mod outside;
mod stage;

use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use stage::{Place, REAL, Stage};

/// One case at a time has the real cloud: it has few nodes.
static REAL_CLOUD: Mutex<()> = Mutex::new(());

fn on_testbed(name: &str, case: fn(&mut Stage), configuration: &str) {
    let begun = Instant::now();
    case(&mut Stage::new(&Place::Testbed, name, configuration));
    println!("| {name} | testbed | {:.1} s |", begun.elapsed().as_secs_f64());
}

fn on_real(name: &str, case: fn(&mut Stage), configuration: &str) {
    let Some(place) = Place::real() else {
        println!("SKIPPED: {name} on a real cloud: {REAL} names none");
        return;
    };
    let _alone = REAL_CLOUD.lock().unwrap_or_else(PoisonError::into_inner);
    let begun = Instant::now();
    case(&mut Stage::new(&place, name, configuration));
    println!("| {name} | real | {:.1} s |", begun.elapsed().as_secs_f64());
}

/// Makes two tests of each case.
macro_rules! everywhere {
    ($($name:ident: $case:path, $configuration:literal;)*) => {
        mod testbed {
            $(#[test]
            fn $name() {
                super::on_testbed(
                    stringify!($name),
                    $case,
                    include_str!(concat!("../data/leases/", $configuration)),
                );
            })*
        }

        mod real {
            $(#[test]
            fn $name() {
                super::on_real(
                    stringify!($name),
                    $case,
                    include_str!(concat!("../data/leases/", $configuration)),
                );
            })*
        }
    };
}

everywhere! {
    pending: crate::leases::cases::pending, "host.tf";
    flavor: crate::leases::cases::flavor, "flavor.tf";
    flavor_extended: crate::leases::cases::flavor_extended, "flavor.tf";
    deferred: crate::leases::cases::deferred, "host.tf";
    moved: crate::leases::cases::moved, "host.tf";
    stays: crate::leases::cases::stays, "host.tf";
    changed_in_place: crate::leases::cases::changed_in_place, "host.tf";
    grown: crate::leases::cases::grown, "host.tf";
    address: crate::leases::cases::address, "address.tf";
    ended: crate::leases::cases::ended, "host.tf";
    destroyed_in_the_middle: crate::leases::cases::destroyed_in_the_middle, "host.tf";
    too_few: crate::leases::outside::too_few, "host.tf";
    taken_meanwhile: crate::leases::outside::taken_meanwhile, "host.tf";
    deleted_outside: crate::leases::outside::deleted_outside, "host.tf";
    shortened_outside: crate::leases::outside::shortened_outside, "host.tf";
    imported: crate::leases::outside::imported, "host.tf";
    killed: crate::leases::outside::killed, "flavor.tf";
}
