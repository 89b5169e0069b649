//! Modules and materials: ordered, released at a date, opened by students.
//!
//! A student sees a material when its own release date and its module's have passed; before that it does not exist for
//! them, in no list and by no name. Order: by position, and by age where positions are equal; materials without a module
//! come first. Staff write both.

use lectern_proto::internal::v1::{CourseRecord, FileRecord, FileUse, MaterialRecord, ModuleRecord};
use lectern_proto::v1::{self, EventKind, MaterialKind};

use crate::actor::CourseAccess;
use crate::context::{Audience, PageRequest, Tx, View, to_hex};
use crate::keys::{key1, key2, key3};
use crate::refusal::{Reason, Refusal, Result, refuse};
use crate::store::{Order, Store, StoreExt, StoreResult};
use crate::tables::Table;
use crate::{dates, files, ids, limits, schedule, uploads, validate};

/// Adds a module at the end.
pub(crate) fn create_module(
    tx: &mut Tx<'_, '_>,
    request: &v1::CreateModuleRequest,
) -> Result<v1::CreateModuleResponse> {
    let mut access = open_for_change(tx, &request.course)?;
    let name = validate::line("name", &request.name)?;
    dates::check_time("release_at_ms", request.release_at_ms)?;
    require_room(tx, &access, Table::Modules, limits::MODULES_PER_COURSE)?;
    access.course.last_module_position += 1;
    let module = v1::Module {
        module_id: tx.ids.next_id(),
        name,
        position: access.course.last_module_position,
        release_at_ms: request.release_at_ms,
    };
    let course_id = access.course.course_id.clone();
    tx.put(Table::Courses, key1(&course_id), &access.course);
    put_module(tx, &course_id, &module);
    Ok(v1::CreateModuleResponse { module: Some(module) })
}

/// Changes a module's name, place or release date.
pub(crate) fn update_module(
    tx: &mut Tx<'_, '_>,
    request: &v1::UpdateModuleRequest,
) -> Result<v1::UpdateModuleResponse> {
    let access = open_for_change(tx, &request.course)?;
    let course_id = &access.course.course_id;
    let mut module =
        find_module(&*tx.store, course_id, &request.module_id)?.ok_or_else(|| no_module(&request.module_id))?;
    if let Some(name) = &request.name {
        module.name = validate::line("name", name)?;
    }
    module.position = request.position.unwrap_or(module.position);
    if let Some(date) = request.release_at_ms {
        module.release_at_ms = changed_date(date)?;
    }
    put_module(tx, course_id, &module);
    Ok(v1::UpdateModuleResponse { module: Some(module) })
}

/// The modules of a course that the caller may see, in order.
pub fn list_modules(view: &View<'_>, request: &v1::ListModulesRequest) -> Result<v1::ListModulesResponse> {
    let access = CourseAccess::open(view.store, view.actor, &request.course)?;
    let page = PageRequest::new(request.page_size, &request.page_token)?;
    let modules = modules(view.store, &access.course)?;
    let visible = modules.into_iter().filter(|module| access.is_staff() || is_released(view, module.release_at_ms));
    let sorted = visible.map(|module| (key2(module.position, &module.module_id), module)).collect();
    let (modules, next_page_token) = page_of(sorted, &page);
    Ok(v1::ListModulesResponse { modules, next_page_token })
}

/// Adds a material at the end, from an upload of exactly one file.
pub(crate) fn create_material(
    tx: &mut Tx<'_, '_>,
    request: &v1::CreateMaterialRequest,
) -> Result<v1::CreateMaterialResponse> {
    let mut access = open_for_change(tx, &request.course)?;
    let course_id = access.course.course_id.clone();
    validate::slug("slug", &request.slug)?;
    let title = validate::line("title", &request.title)?;
    dates::check_time("release_at_ms", request.release_at_ms)?;
    require_module(tx, &course_id, &request.module_id)?;
    require_room(tx, &access, Table::Materials, limits::MATERIALS_PER_COURSE)?;
    let slug_key = key2(&course_id, &request.slug);
    if tx.store.contains(Table::MaterialsBySlug, &slug_key)? {
        let (course, slug) = (&access.course.slug, &request.slug);
        return refuse(Reason::DuplicateName, format!("{course} has a material `{slug}`; choose another slug"));
    }
    let material_id = tx.ids.next_id();
    let file = take_upload(tx, &course_id, &request.upload_id, &material_id)?;
    access.course.last_material_position += 1;
    tx.put(Table::Courses, key1(&course_id), &access.course);
    tx.put_raw(Table::MaterialsBySlug, slug_key, material_id.clone().into_bytes());
    let material = MaterialRecord {
        course_id,
        slug: request.slug.clone(),
        title,
        kind: kind_of(&file.name).into(),
        file_id: file.file_id,
        module_id: request.module_id.clone(),
        position: access.course.last_material_position,
        release_at_ms: request.release_at_ms,
        created_at_ms: tx.now_ms(),
        opened_count: 0,
        material_id,
    };
    put_material(tx, &material)?;
    Ok(v1::CreateMaterialResponse { material: Some(to_proto(&tx.view(), &access, material)?) })
}

/// Changes a material, or replaces its file.
pub(crate) fn update_material(
    tx: &mut Tx<'_, '_>,
    request: &v1::UpdateMaterialRequest,
) -> Result<v1::UpdateMaterialResponse> {
    let access = open_for_change(tx, &request.course)?;
    let course_id = &access.course.course_id;
    let mut material = find(&*tx.store, course_id, &request.material)?.ok_or_else(|| no_material(&request.material))?;
    if let Some(title) = &request.title {
        material.title = validate::line("title", title)?;
    }
    if let Some(module_id) = &request.module_id {
        require_module(tx, course_id, module_id)?;
        material.module_id.clone_from(module_id);
    }
    material.position = request.position.unwrap_or(material.position);
    if let Some(date) = request.release_at_ms {
        material.release_at_ms = changed_date(date)?;
    }
    if let Some(upload_id) = &request.upload_id {
        let file = take_upload(tx, course_id, upload_id, &material.material_id)?;
        files::delete_file(tx, &material.file_id)?;
        material.set_kind(kind_of(&file.name));
        material.file_id = file.file_id;
    }
    put_material(tx, &material)?;
    Ok(v1::UpdateMaterialResponse { material: Some(to_proto(&tx.view(), &access, material)?) })
}

/// Deletes a material and its file; its slug is free again.
pub(crate) fn delete_material(
    tx: &mut Tx<'_, '_>,
    request: &v1::DeleteMaterialRequest,
) -> Result<v1::DeleteMaterialResponse> {
    let access = open_for_change(tx, &request.course)?;
    let course_id = &access.course.course_id;
    let material = find(&*tx.store, course_id, &request.material)?.ok_or_else(|| no_material(&request.material))?;
    let id = &material.material_id;
    files::delete_file(tx, &material.file_id)?;
    tx.delete(Table::Materials, key2(course_id, id));
    tx.delete(Table::MaterialsBySlug, key2(course_id, &material.slug));
    let opened = material.opened_count as usize;
    for (key, _) in tx.store.prefix(Table::MaterialsOpened, &key2(course_id, id), None, Order::Ascending, opened)? {
        tx.delete(Table::MaterialsOpened, key);
    }
    let audience = audience(tx, &material)?;
    tx.event(EventKind::Material, course_id, id, audience);
    Ok(v1::DeleteMaterialResponse {})
}

/// Notes, once, that a student opened a material. Does nothing for others.
pub(crate) fn mark_opened(tx: &mut Tx<'_, '_>, request: &v1::MarkOpenedRequest) -> Result<v1::MarkOpenedResponse> {
    let access = CourseAccess::open(tx.store, &tx.actor, &request.course)?;
    let mut material = open(&tx.view(), &access, &request.material)?;
    let user_id = tx.actor.user_id().to_owned();
    let key = key3(&access.course.course_id, &material.material_id, &user_id);
    if access.is_student() && !tx.store.contains(Table::MaterialsOpened, &key)? {
        let now_ms = tx.now_ms();
        tx.put_raw(Table::MaterialsOpened, key, key1(now_ms));
        material.opened_count += 1;
        tx.put(Table::Materials, key2(&material.course_id, &material.material_id), &material);
        tx.event(EventKind::Material, &material.course_id, &material.material_id, Audience::UserAndStaff(user_id));
    }
    Ok(v1::MarkOpenedResponse {})
}

/// One material.
pub fn get_material(view: &View<'_>, request: &v1::GetMaterialRequest) -> Result<v1::GetMaterialResponse> {
    let access = CourseAccess::open(view.store, view.actor, &request.course)?;
    let material = open(view, &access, &request.material)?;
    Ok(v1::GetMaterialResponse { material: Some(to_proto(view, &access, material)?) })
}

/// The materials of a course, or of one module, that the caller may see, in order.
pub fn list_materials(view: &View<'_>, request: &v1::ListMaterialsRequest) -> Result<v1::ListMaterialsResponse> {
    let access = CourseAccess::open(view.store, view.actor, &request.course)?;
    let page = PageRequest::new(request.page_size, &request.page_token)?;
    let modules = modules(view.store, &access.course)?;
    let course_prefix = key1(&access.course.course_id);
    let limit = limits::MATERIALS_PER_COURSE;
    let all: Vec<(_, MaterialRecord)> =
        view.store.records(Table::Materials, &course_prefix, None, Order::Ascending, limit)?;
    let mut sorted = Vec::new();
    for (_, material) in all {
        let module = modules.iter().find(|module| module.module_id == material.module_id);
        let released =
            is_released(view, material.release_at_ms) && is_released(view, module.and_then(|it| it.release_at_ms));
        let wanted = request.module_id.is_empty() || request.module_id == material.module_id;
        if wanted && (released || access.is_staff()) {
            let place = key2(module.map_or(0, |module| module.position), &material.module_id);
            sorted.push((key3(&*place, material.position, &material.material_id), material));
        }
    }
    let (records, next_page_token) = page_of(sorted, &page);
    let materials =
        records.into_iter().map(|material| to_proto(view, &access, material)).collect::<StoreResult<_>>()?;
    Ok(v1::ListMaterialsResponse { materials, next_page_token })
}

/// The material whose pages are asked for, and its file.
pub fn material_file(view: &View<'_>, request: &v1::ReadPagesRequest) -> Result<(v1::Material, FileRecord)> {
    let access = CourseAccess::open(view.store, view.actor, &request.course)?;
    let material = open(view, &access, &request.material)?;
    let file = files::open_file(view, &material.file_id)?;
    Ok((to_proto(view, &access, material)?, file))
}

/// Whether the caller may see the material with that id.
pub(crate) fn is_visible(view: &View<'_>, access: &CourseAccess, material_id: &str) -> StoreResult<bool> {
    match view.store.record(Table::Materials, &key2(&access.course.course_id, material_id))? {
        Some(material) => may_see(view, access, &material),
        None => Ok(false),
    }
}

/// Who may be told of a change of that material: the course, once it and its module are released.
pub(crate) fn audience(tx: &Tx<'_, '_>, material: &MaterialRecord) -> StoreResult<Audience> {
    let released = released_with_module(&tx.view(), material)?;
    Ok(if released { Audience::Course } else { Audience::Staff })
}

fn open_for_change(tx: &Tx<'_, '_>, course: &str) -> Result<CourseAccess> {
    let access = CourseAccess::open(&*tx.store, &tx.actor, course)?;
    access.require_staff()?;
    access.require_open()?;
    Ok(access)
}

/// The material by slug or id, where the caller may see it.
fn open(view: &View<'_>, access: &CourseAccess, slug_or_id: &str) -> Result<MaterialRecord> {
    let material = find(view.store, &access.course.course_id, slug_or_id)?.ok_or_else(|| no_material(slug_or_id))?;
    if may_see(view, access, &material)? { Ok(material) } else { Err(no_material(slug_or_id)) }
}

fn find(store: &dyn Store, course_id: &str, slug_or_id: &str) -> StoreResult<Option<MaterialRecord>> {
    if ids::is_id(slug_or_id)
        && let Some(material) = store.record(Table::Materials, &key2(course_id, slug_or_id))?
    {
        return Ok(Some(material));
    }
    match store.get(Table::MaterialsBySlug, &key2(course_id, slug_or_id))? {
        Some(id) => store.record(Table::Materials, &key2(course_id, &*id)),
        None => Ok(None),
    }
}

fn find_module(store: &dyn Store, course_id: &str, module_id: &str) -> StoreResult<Option<v1::Module>> {
    let record: Option<ModuleRecord> = store.record(Table::Modules, &key2(course_id, module_id))?;
    Ok(record.and_then(|record| record.module))
}

fn modules(store: &dyn Store, course: &CourseRecord) -> StoreResult<Vec<v1::Module>> {
    let prefix = key1(&course.course_id);
    let records: Vec<(_, ModuleRecord)> =
        store.records(Table::Modules, &prefix, None, Order::Ascending, limits::MODULES_PER_COURSE)?;
    Ok(records.into_iter().filter_map(|(_, record)| record.module).collect())
}

fn may_see(view: &View<'_>, access: &CourseAccess, material: &MaterialRecord) -> StoreResult<bool> {
    Ok(access.is_staff() || released_with_module(view, material)?)
}

fn released_with_module(view: &View<'_>, material: &MaterialRecord) -> StoreResult<bool> {
    if !is_released(view, material.release_at_ms) {
        return Ok(false);
    }
    let module = find_module(view.store, &material.course_id, &material.module_id)?;
    Ok(is_released(view, module.and_then(|module| module.release_at_ms)))
}

fn is_released(view: &View<'_>, release_at_ms: Option<i64>) -> bool {
    release_at_ms.is_none_or(|release| release <= view.now_ms)
}

fn put_module(tx: &mut Tx<'_, '_>, course_id: &str, module: &v1::Module) {
    let record = ModuleRecord { course_id: course_id.into(), module: Some(module.clone()) };
    tx.put(Table::Modules, key2(course_id, &module.module_id), &record);
    schedule::release(tx, module.release_at_ms, course_id, &module.module_id);
    let released = is_released(&tx.view(), module.release_at_ms);
    let audience = if released { Audience::Course } else { Audience::Staff };
    tx.event(EventKind::Module, course_id, &module.module_id, audience);
}

fn put_material(tx: &mut Tx<'_, '_>, material: &MaterialRecord) -> Result<()> {
    let (course_id, id) = (&material.course_id, &material.material_id);
    tx.put(Table::Materials, key2(course_id, id), material);
    schedule::release(tx, material.release_at_ms, course_id, id);
    let audience = audience(tx, material)?;
    tx.event(EventKind::Material, course_id, id, audience);
    Ok(())
}

/// The one file of a finished upload, for that material.
fn take_upload(tx: &mut Tx<'_, '_>, course_id: &str, upload_id: &str, material_id: &str) -> Result<FileRecord> {
    let session = uploads::course_session(tx, course_id, upload_id)?;
    let files = files::finish_upload(tx, &session, FileUse::Material, material_id)?;
    match <[FileRecord; 1]>::try_from(files) {
        Ok([file]) => Ok(file),
        Err(files) => refuse(
            Reason::InvalidArgument,
            format!("the upload has {} files; a material is made of exactly one", files.len()),
        ),
    }
}

fn require_module(tx: &Tx<'_, '_>, course_id: &str, module_id: &str) -> Result<()> {
    if module_id.is_empty() || find_module(&*tx.store, course_id, module_id)?.is_some() {
        return Ok(());
    }
    Err(no_module(module_id))
}

/// Refuses when the course holds `limit` of these already.
fn require_room(tx: &Tx<'_, '_>, access: &CourseAccess, table: Table, limit: usize) -> Result<()> {
    let prefix = key1(&access.course.course_id);
    if tx.store.prefix(table, &prefix, None, Order::Ascending, limit)?.len() < limit {
        return Ok(());
    }
    let course = &access.course.slug;
    refuse(Reason::TooMany, format!("{course} has {limit} of these, which is the limit; delete some first"))
}

/// 0 clears a date.
fn changed_date(date_ms: i64) -> Result<Option<i64>> {
    let date = (date_ms != 0).then_some(date_ms);
    dates::check_time("release_at_ms", date)?;
    Ok(date)
}

/// What a file is, by the ending of its name.
pub fn kind_of(file_name: &str) -> MaterialKind {
    match file_name.to_lowercase().rsplit_once('.') {
        Some((_, "pdf")) => MaterialKind::Pdf,
        Some((_, "txt" | "text")) => MaterialKind::Text,
        Some((_, "md" | "markdown")) => MaterialKind::Markdown,
        _ => MaterialKind::Other,
    }
}

fn to_proto(view: &View<'_>, access: &CourseAccess, material: MaterialRecord) -> StoreResult<v1::Material> {
    let opened_key = key3(&material.course_id, &material.material_id, view.actor.user_id());
    Ok(v1::Material {
        opened: view.store.contains(Table::MaterialsOpened, &opened_key)?,
        file: Some(files::file_ref(view.store, &material.file_id)?),
        kind: material.kind,
        opened_count: if access.is_staff() { material.opened_count } else { 0 },
        material_id: material.material_id,
        course_id: material.course_id,
        slug: material.slug,
        title: material.title,
        module_id: material.module_id,
        position: material.position,
        release_at_ms: material.release_at_ms,
        created_at_ms: material.created_at_ms,
    })
}

/// The rows of one page out of all of them, each with the key it is sorted by, and the next page's token.
fn page_of<T>(mut rows: Vec<(Vec<u8>, T)>, page: &PageRequest) -> (Vec<T>, String) {
    rows.sort_by(|(a, _), (b, _)| a.cmp(b));
    let after = page.after.as_deref();
    let mut rest = rows.into_iter().filter(|(key, _)| after.is_none_or(|after| &**key > after));
    let wanted: Vec<_> = rest.by_ref().take(page.rows).collect();
    let token = match (wanted.last(), rest.next()) {
        (Some((key, _)), Some(_)) => to_hex(key),
        _ => String::new(),
    };
    (wanted.into_iter().map(|(_, row)| row).collect(), token)
}

fn no_material(name: &str) -> crate::Failure {
    Refusal::new(Reason::NotFound, format!("no material `{name}` in this course that you may see")).into()
}

fn no_module(module_id: &str) -> crate::Failure {
    Refusal::new(Reason::NotFound, format!("no module `{module_id}` in this course")).into()
}

#[cfg(test)]
#[path = "materials_tests.rs"]
mod tests;
