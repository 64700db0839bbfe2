//! The sites of the simulated testbed: what each has, and how a client's hints choose one.

use std::fmt::Write;

/// What kind of machines a site lends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hardware {
    /// Virtual machines on shared hypervisors.
    Virtual,
    /// Whole nodes, provisioned by Ironic.
    BareMetal,
    /// Small devices that run containers: there is no Nova.
    Edge,
}

/// A network that the site's operators made, and its one subnet.
#[derive(Debug)]
pub(crate) struct SiteNetwork {
    pub(crate) name: &'static str,
    pub(crate) cidr: &'static str,
    pub(crate) external: bool,
}

/// One site: a region with its own Keystone, catalog, images, flavors and networks.
#[derive(Debug)]
pub struct Site {
    /// Region name, for example `KVM@TACC`.
    pub region: &'static str,
    /// First segment of the site's paths, for example `kvm-tacc`.
    pub slug: &'static str,
    /// What the site lends.
    pub hardware: Hardware,
    pub(crate) networks: &'static [SiteNetwork],
}

impl Site {
    /// Whether the site has block storage: Chameleon runs Cinder beside the virtual machines.
    pub(crate) fn has_volumes(&self) -> bool {
        self.hardware == Hardware::Virtual
    }

    /// Returns the site's authentication URL below `origin`, such as `http://127.0.0.1:5000`.
    pub fn auth_url(&self, origin: &str) -> String {
        format!("{origin}/{}/identity/v3", self.slug)
    }
}

const fn shared(name: &'static str, cidr: &'static str) -> SiteNetwork {
    SiteNetwork { name, cidr, external: false }
}

// Floating addresses come from 198.18.0.0/15, reserved for tests, so that nobody's ssh reaches a
// real host by an address that this world invented.
const fn public(cidr: &'static str) -> SiteNetwork {
    SiteNetwork { name: "public", cidr, external: true }
}

const fn bare_metal(
    region: &'static str,
    slug: &'static str,
    networks: &'static [SiteNetwork],
) -> Site {
    Site { region, slug, hardware: Hardware::BareMetal, networks }
}

/// All sites, the default first.
pub const SITES: &[Site] = &[
    Site {
        region: "KVM@TACC",
        slug: "kvm-tacc",
        hardware: Hardware::Virtual,
        networks: &[
            public("198.18.0.0/21"),
            shared("sharednet1", "10.56.0.0/22"),
            shared("sharednet2", "10.56.4.0/22"),
            shared("sharednet3", "10.56.8.0/22"),
        ],
    },
    bare_metal(
        "CHI@TACC",
        "chi-tacc",
        &[
            public("198.18.8.0/23"),
            shared("sharednet1", "10.52.0.0/22"),
            shared("fabnetv4", "10.191.130.0/23"),
        ],
    ),
    bare_metal(
        "CHI@UC",
        "chi-uc",
        &[
            public("198.18.10.0/23"),
            shared("sharednet1", "10.140.80.0/22"),
            shared("fabnetv4", "10.191.128.0/23"),
        ],
    ),
    bare_metal(
        "CHI@NCAR",
        "chi-ncar",
        &[public("198.18.12.0/24"), shared("sharednet1", "10.20.0.0/23")],
    ),
    bare_metal(
        "CHI@NRP",
        "chi-nrp",
        &[public("198.18.13.0/24"), shared("sharednet1", "10.21.0.0/23")],
    ),
    bare_metal(
        "CHI@NU",
        "chi-nu",
        &[public("198.18.14.0/24"), shared("sharednet1", "10.22.0.0/23")],
    ),
    Site {
        region: "CHI@Edge",
        slug: "chi-edge",
        hardware: Hardware::Edge,
        networks: &[public("198.18.15.0/24"), shared("caliconet", "192.168.64.0/18")],
    },
];

/// Words in a cloud's name or authentication URL that tell the site, the most telling first.
const HINTS: &[(&str, &str)] = &[
    ("edge", "chi-edge"),
    ("kvm", "kvm-tacc"),
    ("uc", "chi-uc"),
    ("ncar", "chi-ncar"),
    ("nrp", "chi-nrp"),
    ("nu", "chi-nu"),
    ("tacc", "chi-tacc"),
];

/// Returns the site that a client means: by region, else by words in the cloud's name, else by
/// words in the authentication URL, else KVM@TACC.
///
/// An unknown region counts as a hint too: `RegionOne` says nothing, `uc-region` says CHI@UC.
pub fn site_for(
    region: Option<&str>,
    cloud: Option<&str>,
    auth_url: Option<&str>,
) -> &'static Site {
    if let Some(site) =
        region.and_then(|name| SITES.iter().find(|site| site.region.eq_ignore_ascii_case(name)))
    {
        return site;
    }
    if let Some(site) = auth_url.and_then(|url| {
        SITES.iter().find(|site| url.split('/').any(|segment| segment == site.slug))
    }) {
        return site;
    }
    [region, cloud, auth_url].into_iter().flatten().find_map(by_words).unwrap_or(&SITES[0])
}

fn by_words(text: &str) -> Option<&'static Site> {
    let text = text.to_ascii_lowercase();
    let words: Vec<&str> = text.split(|c: char| !c.is_ascii_alphanumeric()).collect();
    let (_, slug) = HINTS.iter().find(|(word, _)| words.contains(word))?;
    by_slug(slug)
}

/// Returns the site whose paths begin with `slug`.
pub(crate) fn by_slug(slug: &str) -> Option<&'static Site> {
    SITES.iter().find(|site| site.slug == slug)
}

/// Returns the site of `region`, as the world's rows name it.
pub(crate) fn by_region(region: &str) -> Option<&'static Site> {
    SITES.iter().find(|site| site.region == region)
}

/// Returns a clouds.yaml for a testbed served at `origin`: one cloud per site, named by its slug,
/// and `openstack`, the name that the course's configurations use, for KVM@TACC.
pub fn clouds_yaml(origin: &str) -> String {
    let names =
        std::iter::once(("openstack", &SITES[0])).chain(SITES.iter().map(|site| (site.slug, site)));
    let mut text = String::from("clouds:\n");
    for (name, site) in names {
        let _ = write!(
            text,
            "  {name}:\n    auth:\n      auth_url: {}\n      username: student\n      \
             password: testbed\n      project_name: {}\n      user_domain_name: Default\n      \
             project_domain_name: Default\n    region_name: {}\n    identity_api_version: 3\n",
            site.auth_url(origin),
            crate::seed::PROJECT_NAME,
            site.region,
        );
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hints_choose_the_site() {
        let cases = [
            (Some("CHI@UC"), Some("kvm"), None, "chi-uc"),
            (None, Some("openstack"), None, "kvm-tacc"),
            (None, Some("chi_uc"), None, "chi-uc"),
            (None, Some("chi_tacc"), None, "chi-tacc"),
            (None, Some("kvm_tacc"), None, "kvm-tacc"),
            (None, Some("chi-edge"), None, "chi-edge"),
            (Some("RegionOne"), None, None, "kvm-tacc"),
            (None, None, Some("https://chi.uc.chameleoncloud.org:5000/v3"), "chi-uc"),
            (None, None, Some("http://127.0.0.1:1/chi-ncar/identity/v3"), "chi-ncar"),
            (None, Some("lucky"), None, "kvm-tacc"),
        ];
        for (region, cloud, url, slug) in cases {
            assert_eq!(site_for(region, cloud, url).slug, slug, "{region:?} {cloud:?} {url:?}");
        }
    }
}
