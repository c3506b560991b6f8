//! How a cluster's API is reached.

use groundwork_contract_derive::shape;

use crate::text_type;

text_type!(
    /// Where a cluster's API is: `https://`, a host, and perhaps a port.
    ApiEndpoint, "the URL of a Kubernetes API", "https://0123456789ABCDEF.gr7.eu-central-1.eks.amazonaws.com", |text| {
        let host = text.strip_prefix("https://").ok_or("it must begin with https://")?;
        let host = host.strip_suffix('/').unwrap_or(host);
        if host.is_empty() || host.contains(['/', '?', '#', '@', ' ']) {
            return Err("expected a host, and perhaps a port, after https://".to_owned());
        }
        Ok(format!("https://{host}"))
    }
);

text_type!(
    /// An HTTP proxy, with a name and password in it where the proxy asks for them.
    ProxyUrl, "the URL of a proxy", "http://proxy.example.com:3128", |text| {
        let host = text.strip_prefix("http://").or_else(|| text.strip_prefix("https://"));
        match host {
            Some(host) if !host.trim_end_matches('/').is_empty() && !host.contains(' ') => Ok(text.to_owned()),
            Some(_) => Err("it has no host".to_owned()),
            None => Err("it must begin with http:// or https://".to_owned()),
        }
    }
);

/// How a cluster's API is reached, and as whom: as the caller of the provider.
///
/// The token is made in the provider's memory whenever one is needed (a signed request to STS, good for 15 minutes) and is
/// stored nowhere. Source: EKS User Guide, "Learn how access control works in Amazon EKS".
#[shape]
pub struct Connection {
    /// The API server's URL, `endpoint` of the cluster.
    pub endpoint: ApiEndpoint,
    /// The certificate of the authority that the API server's own is signed by: PEM in base64, `certificateAuthority` of the
    /// cluster.
    pub certificate_authority: String,
    /// The cluster's name, which the token is for.
    #[immutable]
    pub cluster_name: String,
    /// A proxy that leads to the API server, for an endpoint that is private. Not secret unless it is given as one.
    pub proxy_url: Option<ProxyUrl>,
}
