//! The keys and certificates of one control plane, made anew for each.

use std::fs::{self, DirBuilder, File};
use std::io::Write as _;
use std::net::Ipv4Addr;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair, KeyUsagePurpose,
};
use serde_json::json;
use sha2::{Digest as _, Sha256};

use crate::{Error, Result};

/// What a control plane needs to prove who it is, and what its administrators need.
pub(super) struct Pki {
    folder: PathBuf,
    authority: String,
    admin: (String, String),
}

impl Pki {
    /// Makes all of it in this folder, which is for the user's eyes only. `service` is the API's address inside the cluster.
    pub(super) fn make(folder: &Path, service: Ipv4Addr) -> Result<Self> {
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(folder)
            .map_err(Error::file("create", folder))?;
        let made = Made::new(service)?;
        let pki = Self {
            folder: folder.to_owned(),
            authority: made.authority,
            admin: made.admin,
        };
        for (name, text) in [
            ("ca.crt", &pki.authority),
            ("server.crt", &made.server.0),
            ("server.key", &made.server.1),
            ("accounts.pub", &made.accounts.0),
            ("accounts.key", &made.accounts.1),
        ] {
            pki.write(name, text)?;
        }
        Ok(pki)
    }

    /// Where this file of it is.
    pub(super) fn file(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// Writes a file that only the user may read.
    pub(super) fn write(&self, name: &str, text: &str) -> Result<PathBuf> {
        let path = self.file(name);
        let mut file = File::options()
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o600)
            .open(&path)
            .map_err(Error::file("create", &path))?;
        file.write_all(text.as_bytes()).map_err(Error::file("write", &path))?;
        Ok(path)
    }

    /// The certificate of its authority, as EKS shows it: PEM in base64.
    pub(super) fn authority(&self) -> String {
        STANDARD.encode(&self.authority)
    }

    /// An identifier like those in EKS's endpoints and issuers; another one for each control plane.
    pub(super) fn ident(&self) -> String {
        let digest = Sha256::digest(self.authority.as_bytes());
        digest
            .iter()
            .take(16)
            .fold(String::new(), |text, byte| text + &format!("{byte:02X}"))
    }

    /// Writes a kubeconfig of `system:masters` for an API at this port. JSON is YAML.
    pub(super) fn kubeconfig(&self, port: u16) -> Result<PathBuf> {
        let (certificate, key) = &self.admin;
        let document = json!({
            "apiVersion": "v1",
            "kind": "Config",
            "current-context": "admin",
            "contexts": [{"name": "admin", "context": {"cluster": "local", "user": "admin"}}],
            "clusters": [{"name": "local", "cluster": {
                "server": format!("https://127.0.0.1:{port}"),
                "certificate-authority-data": self.authority(),
            }}],
            "users": [{"name": "admin", "user": {
                "client-certificate-data": STANDARD.encode(certificate),
                "client-key-data": STANDARD.encode(key),
            }}],
        });
        // Whoever finds the file finds all of it.
        let partial = self.write("admin.partial", &document.to_string())?;
        let path = self.file(super::KUBECONFIG);
        fs::rename(&partial, &path).map_err(Error::file("rename", &partial))?;
        Ok(path)
    }
}

/// Certificates or public keys with their private keys, in PEM.
struct Made {
    authority: String,
    server: (String, String),
    admin: (String, String),
    accounts: (String, String),
}

impl Made {
    fn new(service: Ipv4Addr) -> Result<Self, rcgen::Error> {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature, KeyUsagePurpose::KeyCertSign];
        params.distinguished_name.push(DnType::CommonName, "kubernetes");
        let key = KeyPair::generate()?;
        let authority = params.self_signed(&key)?.pem();
        let issuer = Issuer::new(params, key);

        let names = [
            "kubernetes",
            "kubernetes.default",
            "kubernetes.default.svc",
            "kubernetes.default.svc.cluster.local",
        ];
        let names = names.map(str::to_owned).into_iter();
        let addresses = ["localhost".to_owned(), "127.0.0.1".to_owned(), service.to_string()];
        let mut server = CertificateParams::new(names.chain(addresses).collect::<Vec<_>>())?;
        server.distinguished_name.push(DnType::CommonName, "kube-apiserver");
        let mut admin = CertificateParams::default();
        admin
            .distinguished_name
            .push(DnType::CommonName, "groundwork:local-cloud");
        admin
            .distinguished_name
            .push(DnType::OrganizationName, "system:masters");
        let accounts = KeyPair::generate()?;
        Ok(Self {
            server: signed(server, ExtendedKeyUsagePurpose::ServerAuth, &issuer)?,
            admin: signed(admin, ExtendedKeyUsagePurpose::ClientAuth, &issuer)?,
            accounts: (accounts.public_key_pem(), accounts.serialize_pem()),
            authority,
        })
    }
}

fn signed(
    mut params: CertificateParams,
    usage: ExtendedKeyUsagePurpose,
    issuer: &Issuer<'_, KeyPair>,
) -> Result<(String, String), rcgen::Error> {
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![usage];
    let key = KeyPair::generate()?;
    Ok((params.signed_by(&key, issuer)?.pem(), key.serialize_pem()))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn only_the_user_may_read_what_is_made() {
        let state = tempfile::tempdir().unwrap();
        let folder = state.path().join("demo");
        let pki = Pki::make(&folder, Ipv4Addr::new(172, 20, 0, 1)).unwrap();
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(&folder), 0o700);
        assert_eq!(mode(&pki.kubeconfig(1).unwrap()), 0o600);
        assert_eq!(mode(&pki.file("server.key")), 0o600);
    }

    #[test]
    fn no_two_control_planes_have_the_same_authority() {
        let state = tempfile::tempdir().unwrap();
        let [one, other] =
            ["one", "other"].map(|name| Pki::make(&state.path().join(name), Ipv4Addr::LOCALHOST).unwrap());
        assert_ne!(one.authority(), other.authority());
        assert_ne!(one.ident(), other.ident());
        assert_eq!(one.ident().len(), 32);
    }
}
