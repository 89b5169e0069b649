use lectern_proto::internal::v1::{Advance, command::Body};
use lectern_proto::v1::CourseState;

use super::*;
use crate::fixture::{Class, HOUR_MS};

type Answer<T> = std::result::Result<T, String>;

fn module(class: &mut Class, name: &str, release_at_ms: Option<i64>) -> v1::Module {
    let request = v1::CreateModuleRequest { course: "cs101".into(), name: name.into(), release_at_ms };
    class.world.run::<v1::CreateModuleResponse>("tom", Body::CreateModule(request)).unwrap().module.unwrap()
}

fn create(class: &mut Class, file: &str, change: impl FnOnce(&mut v1::CreateMaterialRequest)) -> Answer<v1::Material> {
    let upload_id = class.upload("tom", &[(file, b"content")]);
    let mut request = v1::CreateMaterialRequest {
        course: "cs101".into(),
        slug: file.split('.').next().unwrap().into(),
        title: format!("Title of {file}"),
        upload_id,
        ..v1::CreateMaterialRequest::default()
    };
    change(&mut request);
    let created: v1::CreateMaterialResponse = class.world.run("tom", Body::CreateMaterial(request))?;
    Ok(created.material.unwrap())
}

fn update(class: &mut Class, request: v1::UpdateMaterialRequest) -> Answer<v1::Material> {
    let request = v1::UpdateMaterialRequest { course: "cs101".into(), ..request };
    let updated: v1::UpdateMaterialResponse = class.world.run("tom", Body::UpdateMaterial(request))?;
    Ok(updated.material.unwrap())
}

fn slugs(class: &Class, who: &str) -> Vec<String> {
    let request = v1::ListMaterialsRequest { course: "cs101".into(), ..v1::ListMaterialsRequest::default() };
    let listed = class.world.ask(who, |view| list_materials(view, &request)).unwrap();
    listed.materials.into_iter().map(|material| material.slug).collect()
}

fn get(class: &Class, who: &str, material: &str) -> Answer<v1::Material> {
    let request = v1::GetMaterialRequest { course: "cs101".into(), material: material.into() };
    Ok(class.world.ask(who, |view| get_material(view, &request))?.material.unwrap())
}

#[test]
fn a_student_sees_a_material_when_it_and_its_module_are_released() {
    let mut class = Class::new();
    let soon = Some(class.world.now_ms + HOUR_MS);
    let week2 = module(&mut class, "Week 2", soon);
    create(&mut class, "open.md", |_| {}).unwrap();
    create(&mut class, "dated.pdf", |request| request.release_at_ms = soon).unwrap();
    let inside = create(&mut class, "inside.txt", |request| request.module_id = week2.module_id).unwrap();
    let file_id = inside.file.unwrap().file_id;
    let pages = v1::ReadPagesRequest { course: "cs101".into(), material: "inside".into(), ..Default::default() };
    assert_eq!(slugs(&class, "ada"), ["open"]);
    assert_eq!(slugs(&class, "tom"), ["open", "dated", "inside"]);
    for hidden in ["dated", "inside", &inside.material_id] {
        assert_eq!(get(&class, "ada", hidden).unwrap_err(), "NOT_FOUND", "{hidden}");
    }
    assert_eq!(class.world.ask("ada", |view| files::open_file(view, &file_id)).unwrap_err(), "NOT_FOUND");
    assert_eq!(class.world.ask("ada", |view| material_file(view, &pages)).unwrap_err(), "NOT_FOUND");
    let request = v1::ListModulesRequest { course: "cs101".into(), ..Default::default() };
    assert_eq!(class.world.ask("ada", |view| list_modules(view, &request)).unwrap().modules, []);

    class.world.now_ms += HOUR_MS;
    assert_eq!(slugs(&class, "ada"), ["open", "dated", "inside"]);
    assert!(class.world.ask("ada", |view| files::open_file(view, &file_id)).is_ok());
    assert_eq!(class.world.ask("ada", |view| material_file(view, &pages)).unwrap().1.name, "inside.txt");
    assert_eq!(class.world.ask("eve", |view| files::open_file(view, &file_id)).unwrap_err(), "NOT_FOUND");
    class.course_state(CourseState::Unpublished);
    assert_eq!(class.world.ask("ada", |view| files::open_file(view, &file_id)).unwrap_err(), "NOT_FOUND");
}

#[test]
fn watchers_are_told_at_the_release_and_not_before() {
    let mut class = Class::new();
    let soon = class.world.now_ms + HOUR_MS;
    let material = create(&mut class, "a.pdf", |request| request.release_at_ms = Some(soon)).unwrap();
    let of_creation = class.world.events.iter().find(|event| event.kind == EventKind::Material).unwrap();
    assert_eq!(of_creation.audience, Audience::Staff);
    // An earlier date leaves an entry behind that says nothing when it comes due.
    let moved = Some(soon + HOUR_MS);
    update(
        &mut class,
        v1::UpdateMaterialRequest {
            material: "a".into(),
            release_at_ms: moved,
            ..v1::UpdateMaterialRequest::default()
        },
    )
    .unwrap();
    let told = |class: &Class| class.world.events.iter().any(|event| event.id == material.material_id);
    class.world.now_ms = soon;
    class.world.run::<()>("", Body::Advance(Advance::default())).unwrap();
    assert!(!told(&class));
    class.world.now_ms = soon + HOUR_MS;
    class.world.run::<()>("", Body::Advance(Advance::default())).unwrap();
    assert!(told(&class));
    assert_eq!(class.world.events[0].audience, Audience::Course);
}

#[test]
fn materials_come_in_the_order_of_modules_and_positions_page_by_page() {
    let mut class = Class::new();
    let (one, two) = (module(&mut class, "One", None), module(&mut class, "Two", None));
    for (slug, module_id) in [("a", &two.module_id), ("b", &one.module_id), ("c", &one.module_id)] {
        create(&mut class, slug, |request| request.module_id.clone_from(module_id)).unwrap();
    }
    create(&mut class, "d", |_| {}).unwrap();
    assert_eq!(slugs(&class, "ada"), ["d", "b", "c", "a"]);
    let first = v1::UpdateMaterialRequest { material: "c".into(), position: Some(0), ..Default::default() };
    update(&mut class, first).unwrap();
    assert_eq!(slugs(&class, "ada"), ["d", "c", "b", "a"]);
    let mut request = v1::ListMaterialsRequest { course: "cs101".into(), page_size: 3, ..Default::default() };
    let page = class.world.ask("ada", |view| list_materials(view, &request)).unwrap();
    assert_eq!(page.materials.len(), 3);
    request.page_token = page.next_page_token;
    let page = class.world.ask("ada", |view| list_materials(view, &request)).unwrap();
    assert_eq!((&*page.materials[0].slug, &*page.next_page_token), ("a", ""));
}

#[test]
fn kinds_come_from_file_names() {
    for (name, kind) in [
        ("a.PDF", MaterialKind::Pdf),
        ("a.txt", MaterialKind::Text),
        ("a.b.md", MaterialKind::Markdown),
        ("a.zip", MaterialKind::Other),
        ("pdf", MaterialKind::Other),
    ] {
        assert_eq!(kind_of(name), kind, "{name}");
    }
}

#[test]
fn what_makes_no_sense_is_refused() {
    let mut class = Class::new();
    create(&mut class, "a.pdf", |_| {}).unwrap();
    let twice = create(&mut class, "a.txt", |_| {});
    assert_eq!(twice.unwrap_err(), "DUPLICATE_NAME");
    assert_eq!(create(&mut class, "b.txt", |request| request.slug = "B!".into()).unwrap_err(), "INVALID_ARGUMENT");
    assert_eq!(create(&mut class, "b.txt", |request| request.title = " ".into()).unwrap_err(), "INVALID_ARGUMENT");
    assert_eq!(create(&mut class, "b.txt", |request| request.module_id = "x".into()).unwrap_err(), "NOT_FOUND");
    assert_eq!(create(&mut class, "b.txt", |request| request.upload_id = "x".into()).unwrap_err(), "NOT_FOUND");
    let two = class.upload("tom", &[("a", b"x"), ("b", b"y")]);
    assert_eq!(create(&mut class, "b.txt", |request| request.upload_id = two).unwrap_err(), "INVALID_ARGUMENT");
    let of_ines = class.upload("ines", &[("a", b"x")]);
    assert_eq!(create(&mut class, "b.txt", |request| request.upload_id = of_ines).unwrap_err(), "NOT_FOUND");
    for (who, reason) in [("ada", "WRONG_ROLE"), ("eve", "NOT_FOUND")] {
        let request = v1::DeleteMaterialRequest { course: "cs101".into(), material: "a".into() };
        let refused = class.world.run::<v1::DeleteMaterialResponse>(who, Body::DeleteMaterial(request));
        assert_eq!(refused.unwrap_err(), reason, "{who}");
    }
}

#[test]
fn a_replaced_or_deleted_file_is_gone() {
    let mut class = Class::new();
    let before = create(&mut class, "a.pdf", |_| {}).unwrap().file.unwrap();
    let upload_id = Some(class.upload("tom", &[("new.md", b"other content")]));
    let request = v1::UpdateMaterialRequest { material: "a".into(), upload_id, ..Default::default() };
    let after = update(&mut class, request).unwrap();
    assert_eq!((after.kind(), &*after.file.as_ref().unwrap().name), (MaterialKind::Markdown, "new.md"));
    assert_eq!(class.world.ask("tom", |view| files::open_file(view, &before.file_id)).unwrap_err(), "NOT_FOUND");
    let request = v1::DeleteMaterialRequest { course: "cs101".into(), material: "a".into() };
    class.world.run::<v1::DeleteMaterialResponse>("tom", Body::DeleteMaterial(request)).unwrap();
    class.advance(0);
    for table in [Table::Materials, Table::MaterialsBySlug, Table::Files, Table::Chunks, Table::ChunkHolds] {
        assert_eq!(class.world.store.len(table), 0, "{table:?}");
    }
    create(&mut class, "a.pdf", |_| {}).expect("the slug is free again");
}

#[test]
fn opening_is_noted_once() {
    let mut class = Class::new();
    create(&mut class, "a.pdf", |_| {}).unwrap();
    for who in ["ada", "ada", "bob", "tom"] {
        let request = v1::MarkOpenedRequest { course: "cs101".into(), material: "a".into() };
        class.world.run::<v1::MarkOpenedResponse>(who, Body::MarkOpened(request)).unwrap();
    }
    assert!(get(&class, "ada", "a").unwrap().opened);
    assert_eq!(get(&class, "ada", "a").unwrap().opened_count, 0, "not for students");
    let seen = get(&class, "tom", "a").unwrap();
    assert_eq!((seen.opened, seen.opened_count), (false, 2));
}
