use super::*;

fn profiles() -> (tempfile::TempDir, Profiles) {
    let dir = tempfile::tempdir().unwrap();
    let dirs = Dirs { config: dir.path().join("deep/config"), state: dir.path().join("state") };
    (dir, Profiles::new(dirs))
}

fn token(text: &str) -> SavedToken {
    SavedToken { token: Secret::new(text), token_id: "T1".into(), username: "ada".into(), expires_at_ms: 7 }
}

fn resolve(profiles: &Profiles, overrides: &Overrides, variables: &[(&str, &str)]) -> Result<Identity, ClientError> {
    profiles.resolve_with(overrides, |name| {
        variables.iter().find(|(own, _)| *own == name).map(|(_, value)| (*value).to_owned())
    })
}

#[cfg(unix)]
#[test]
fn what_is_saved_is_for_the_user_alone() {
    use std::os::unix::fs::PermissionsExt as _;
    let (_dir, profiles) = profiles();
    profiles.connect("default", &"127.0.0.1:1".parse().unwrap(), &Known::default(), "C1", &[]).unwrap();
    profiles.save_token("default", token("lct_1")).unwrap();
    let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&profiles.dirs.config), 0o700);
    assert_eq!(mode(&profiles.dirs.state), 0o700);
    assert_eq!(mode(&profiles.dirs.profiles()), 0o600);
    assert_eq!(mode(&profiles.dirs.tokens()), 0o600);
    std::fs::set_permissions(profiles.dirs.tokens(), std::fs::Permissions::from_mode(0o644)).unwrap();
    profiles.token("default").unwrap().unwrap();
    assert_eq!(mode(&profiles.dirs.tokens()), 0o600);
    let left: Vec<_> =
        std::fs::read_dir(&profiles.dirs.state).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(left.len(), 2, "{left:?}");
}

#[test]
fn the_command_line_goes_before_the_environment_and_that_before_the_profile() {
    let (dir, profiles) = profiles();
    profiles
        .connect("default", &"127.0.0.1:1".parse().unwrap(), &Known::default(), "C1", &["127.0.0.1:2".into()])
        .unwrap();
    profiles.save_token("default", token("lct_saved")).unwrap();

    let own = resolve(&profiles, &Overrides::default(), &[]).unwrap();
    assert_eq!(own.endpoints, ["127.0.0.1:1", "127.0.0.1:2"]);
    assert_eq!((own.token.unwrap().expose(), own.username.as_deref()), ("lct_saved", Some("ada")));

    let variables = [("LECTERN_ENDPOINTS", "127.0.0.1:3, 127.0.0.1:4"), ("LECTERN_TOKEN", "lct_env")];
    let given = resolve(&profiles, &Overrides::default(), &variables).unwrap();
    assert_eq!(given.endpoints, ["127.0.0.1:3", "127.0.0.1:4"]);
    assert_eq!((given.token.unwrap().expose(), given.token_is_given, given.username), ("lct_env", true, None));

    let file = dir.path().join("token");
    std::fs::write(&file, "lct_file\n").unwrap();
    let overrides = Overrides { endpoints: vec!["127.0.0.1:5".into()], token_file: Some(file), ..Overrides::default() };
    let given = resolve(&profiles, &overrides, &variables).unwrap();
    assert_eq!((given.endpoints, given.token.unwrap().expose()), (vec!["127.0.0.1:5".into()], "lct_file"));
}

#[test]
fn an_unknown_profile_is_an_error_that_names_the_known_ones() {
    let (_dir, profiles) = profiles();
    profiles.connect("home", &"127.0.0.1:1".parse().unwrap(), &Known::default(), "C1", &[]).unwrap();
    let overrides = Overrides { profile: Some("hom".into()), ..Overrides::default() };
    let error = resolve(&profiles, &overrides, &[]).unwrap_err();
    assert!(error.to_string().contains("home"), "{error}");
    assert_eq!(error.exit_code(), 2);
}

#[test]
fn a_token_does_not_follow_a_profile_to_another_cluster() {
    let (_dir, profiles) = profiles();
    let address = "127.0.0.1:1".parse().unwrap();
    profiles.connect("default", &address, &Known::default(), "C1", &[]).unwrap();
    profiles.save_token("default", token("lct_1")).unwrap();
    profiles.connect("default", &address, &Known::default(), "C1", &[]).unwrap();
    assert!(profiles.token("default").unwrap().is_some());
    profiles.connect("default", &address, &Known::default(), "C2", &[]).unwrap();
    assert!(profiles.token("default").unwrap().is_none());
    profiles.save_token("default", token("lct_2")).unwrap();
    let pinned = Known { trust: Trust::Fingerprint("ab".repeat(32).parse().unwrap()), ca: None };
    profiles.connect("default", &address, &pinned, "C2", &[]).unwrap();
    assert!(profiles.token("default").unwrap().is_none(), "another authority is another cluster, whatever it says");
}

#[test]
fn learned_nodes_are_added_once_and_only_those_of_this_machine() {
    let (_dir, profiles) = profiles();
    for _ in 0..2 {
        let nodes = ["127.0.0.1:1".to_owned(), "10.0.0.1:1".into(), "127.0.0.1:2".into()];
        profiles.remember_nodes("default", &nodes).unwrap();
    }
    assert_eq!(profiles.profile("default").unwrap().unwrap().endpoints, ["127.0.0.1:1", "127.0.0.1:2"]);
}

#[test]
fn a_sign_in_elsewhere_takes_the_profile_along() {
    let (_dir, profiles) = profiles();
    profiles.adopt("default", &Known::default(), &["localhost:1".into()]).unwrap();
    profiles.adopt("default", &Known::default(), &["localhost:1".into(), "127.0.0.1:2".into()]).unwrap();
    assert_eq!(profiles.profile("default").unwrap().unwrap().endpoints, ["localhost:1", "127.0.0.1:2"]);
    profiles.adopt("default", &Known::default(), &["127.0.0.1:3".into()]).unwrap();
    assert_eq!(profiles.profile("default").unwrap().unwrap().endpoints, ["127.0.0.1:3"]);
}

#[test]
fn a_cluster_that_is_known_stays_known_whatever_addresses_are_given() {
    let (_dir, profiles) = profiles();
    let digits = "ab".repeat(32);
    let address: ClusterAddress = format!("lectern://10.0.0.1:1#sha256:{digits}").parse().unwrap();
    let known = resolve(&profiles, &Overrides::default(), &[]).unwrap().known_at(&address);
    profiles.connect("default", &address, &known, "C1", &["10.0.0.2:1".into()]).unwrap();
    let own = resolve(&profiles, &Overrides::default(), &[]).unwrap();
    assert_eq!(own.known, known);
    assert_eq!(own.endpoints, ["10.0.0.1:1", "10.0.0.2:1"]);
    profiles.remember_nodes("default", &["10.0.0.3:1".into()]).unwrap();
    assert_eq!(profiles.profile("default").unwrap().unwrap().endpoints.len(), 3);
    let elsewhere = resolve(&profiles, &Overrides::default(), &[("LECTERN_ENDPOINTS", "127.0.0.1:1")]).unwrap();
    assert_eq!(elsewhere.known, known, "its token goes to nobody else");
    let other = format!("10.0.0.9:1#sha256:{}", "cd".repeat(32));
    let named = resolve(&profiles, &Overrides::default(), &[("LECTERN_ENDPOINTS", &other)]).unwrap();
    assert_ne!(named.known, known);
    profiles.save_token("default", token("lct_1")).unwrap();
    let has_token =
        |variables: &[(&str, &str)]| resolve(&profiles, &Overrides::default(), variables).unwrap().token.is_some();
    assert!(has_token(&[]));
    assert!(!has_token(&[("LECTERN_ENDPOINTS", &other)]), "another authority is not sent the token");
}

#[test]
fn receipt_keys_are_added_and_stay_as_long_as_it_is_the_same_cluster() {
    let (_dir, profiles) = profiles();
    let keys = [1, 2, 3].map(|seed| lectern_receipt::SigningKey::from_seed(&[seed; 32]).public());
    profiles.pin_receipt_keys("default", &keys[..1]).unwrap();
    let address: ClusterAddress = "127.0.0.1:1".parse().unwrap();
    let connect = |id: &str| profiles.connect("default", &address, &Known::default(), id, &[]).unwrap();
    connect("C1");
    profiles.pin_receipt_keys("default", &keys[1..2]).unwrap();
    profiles.pin_receipt_keys("default", &keys[1..2]).unwrap();
    connect("C1");
    assert_eq!(profiles.receipt_keys("default").unwrap(), keys[1..2], "those of before were of no named cluster");
    profiles.pin_receipt_keys("default", &keys[2..]).unwrap();
    assert_eq!(profiles.receipt_keys("default").unwrap(), keys[1..]);
    connect("C2");
    assert_eq!(profiles.receipt_keys("default").unwrap(), []);
}

#[test]
fn a_sign_in_saves_how_the_cluster_is_known() {
    let (_dir, profiles) = profiles();
    let pinned = format!("127.0.0.1:1#sha256:{}", "ab".repeat(32));
    let identity = resolve(&profiles, &Overrides::default(), &[("LECTERN_ENDPOINTS", &pinned)]).unwrap();
    profiles.adopt("default", &identity.known, &["127.0.0.1:1".into()]).unwrap();
    assert_eq!(resolve(&profiles, &Overrides::default(), &[]).unwrap().known, identity.known);
}

#[test]
fn a_file_with_authorities_is_remembered_by_its_full_path() {
    let (dir, profiles) = profiles();
    let certs = dir.path().join("certs");
    lectern_certs::Authority::found(&certs, "C1", lectern_certs::Term::days(1)).unwrap();
    let overrides = Overrides { ca: Some(certs.join("ca.pem")), ..Overrides::default() };
    let identity = resolve(&profiles, &overrides, &[]).unwrap();
    let address = "10.0.0.1:1".parse().unwrap();
    profiles.connect("default", &address, &identity.known_at(&address), "C1", &[]).unwrap();
    assert_eq!(resolve(&profiles, &Overrides::default(), &[]).unwrap().known, identity.given);
    std::fs::remove_file(certs.join("ca.pem")).unwrap();
    let error = resolve(&profiles, &Overrides::default(), &[]).unwrap_err();
    assert!(error.to_string().contains("ca.pem"), "{error}");
}

#[test]
fn a_damaged_file_is_named_and_not_quoted() {
    let (_dir, profiles) = profiles();
    private_file::replace(&profiles.dirs.tokens(), "tokens = lct_secret").unwrap();
    let error = profiles.token("default").unwrap_err();
    assert!(error.to_string().contains("tokens.toml") && !error.to_string().contains("lct_secret"), "{error}");
    assert_eq!((error.exit_code(), error.reason()), (1, "LOCAL_FILE"));
}
