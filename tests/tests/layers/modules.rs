//! The module tree of a crate, parsed from its sources. `#[cfg(test)]` items are left out.

use proc_macro2::{Delimiter, TokenStream, TokenTree};
use quote::ToTokens;
use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};
use syn::visit::Visit;
use syn::{Attribute, Item, ItemMod, ItemUse, UseTree, Visibility};

/// All modules of a crate. Module 0 is the crate root.
pub(crate) struct ModuleTree {
    pub(crate) modules: Vec<Module>,
    pub(crate) files: Vec<SourceFile>,
}

/// A source file.
pub(crate) struct SourceFile {
    /// Its path below the folder of the crate root.
    pub(crate) name: String,
    pub(crate) lines: usize,
    pub(crate) unsafe_blocks: usize,
}

/// A module, in a file of its own or inline.
pub(crate) struct Module {
    /// Index of the file that it is written in.
    pub(crate) file: usize,
    /// Index of the module around it. The root is its own parent.
    pub(crate) parent: usize,
    /// Indices of the modules in it, by name.
    pub(crate) children: HashMap<String, usize>,
    /// Names of the other items that it defines.
    pub(crate) items: HashSet<String>,
    pub(crate) imports: Vec<Import>,
    /// Paths of two or more segments in its code, in which a module's name can occur.
    pub(crate) paths: Vec<Vec<String>>,
    /// All identifiers in its code apart from `use` items.
    pub(crate) identifiers: HashSet<String>,
}

/// One name that a `use` item brings into scope.
pub(crate) struct Import {
    pub(crate) path: Vec<String>,
    /// The name in scope. None for a glob import.
    pub(crate) alias: Option<String>,
    /// Whether the item has a visibility, and so is a re-export.
    pub(crate) is_reexport: bool,
}

impl ModuleTree {
    /// Parses the crate with this root file.
    ///
    /// # Panics
    /// If a file cannot be read or parsed.
    pub(crate) fn read(root: &Path) -> ModuleTree {
        let folder = root.parent().expect("a file is in a folder").to_owned();
        let mut tree = ModuleTree { modules: Vec::new(), files: Vec::new() };
        tree.read_file(root, &folder, &folder, 0);
        tree
    }

    /// The number of lines of the middle file.
    pub(crate) fn median_lines(&self) -> usize {
        let mut lines: Vec<usize> = self.files.iter().map(|file| file.lines).collect();
        lines.sort_unstable();
        lines[lines.len() / 2]
    }

    /// Adds the module in a file, and the modules below it, whose files are in `folder`. Returns
    /// the module's index.
    fn read_file(&mut self, path: &Path, crate_root: &Path, folder: &Path, parent: usize) -> usize {
        let text = std::fs::read_to_string(path)
            .unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let parsed =
            syn::parse_file(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let name = path.strip_prefix(crate_root).unwrap_or(path).display().to_string();
        let file = self.files.len();
        self.files.push(SourceFile { name, lines: text.lines().count(), unsafe_blocks: 0 });
        self.add_module(parsed.items, file, parent, &Folders { crate_root, children: folder })
    }

    fn add_module(
        &mut self,
        items: Vec<Item>,
        file: usize,
        parent: usize,
        folders: &Folders<'_>,
    ) -> usize {
        let index = self.modules.len();
        self.modules.push(Module {
            file,
            parent,
            children: HashMap::new(),
            items: HashSet::new(),
            imports: Vec::new(),
            paths: Vec::new(),
            identifiers: HashSet::new(),
        });
        for item in items.into_iter().filter(|item| !is_test(attributes(item))) {
            match item {
                Item::Mod(module) => self.add_child(module, index, folders),
                Item::Use(item) => self.modules[index].add_imports(&item),
                item => {
                    let module = &mut self.modules[index];
                    module.items.extend(defined_name(&item));
                    Imports(module).visit_item(&item);
                    self.files[file].unsafe_blocks += module.scan(item.to_token_stream());
                }
            }
        }
        index
    }

    fn add_child(&mut self, module: ItemMod, parent: usize, folders: &Folders<'_>) {
        let name = module.ident.to_string();
        let below = folders.children.join(&name);
        let index = match module.content {
            Some((_, items)) => {
                let file = self.modules[parent].file;
                let folders = Folders { crate_root: folders.crate_root, children: &below };
                self.add_module(items, file, parent, &folders)
            }
            None => {
                let path = [below.with_extension("rs"), below.join("mod.rs")];
                let path = path.iter().find(|path| path.is_file());
                let path: &PathBuf =
                    path.unwrap_or_else(|| panic!("no file of module {}", below.display()));
                self.read_file(path, folders.crate_root, &below, parent)
            }
        };
        self.modules[parent].children.insert(name, index);
    }
}

/// Where the files of a crate are.
struct Folders<'p> {
    crate_root: &'p Path,
    /// The folder of the modules in the current module.
    children: &'p Path,
}

impl Module {
    fn add_imports(&mut self, item: &ItemUse) {
        let is_reexport = !matches!(item.vis, Visibility::Inherited);
        self.add_use_tree(&item.tree, Vec::new(), is_reexport);
    }

    fn add_use_tree(&mut self, tree: &UseTree, mut path: Vec<String>, is_reexport: bool) {
        let (name, alias) = match tree {
            UseTree::Path(step) => {
                path.push(step.ident.to_string());
                return self.add_use_tree(&step.tree, path, is_reexport);
            }
            UseTree::Group(group) => {
                for tree in &group.items {
                    self.add_use_tree(tree, path.clone(), is_reexport);
                }
                return;
            }
            UseTree::Glob(_) => {
                return self.imports.push(Import { path, alias: None, is_reexport });
            }
            UseTree::Name(name) => (name.ident.to_string(), name.ident.to_string()),
            UseTree::Rename(name) => (name.ident.to_string(), name.rename.to_string()),
        };
        let alias = match (name.as_str(), path.last()) {
            // `use a::b::{self}` imports `b`.
            ("self", Some(last)) if alias == "self" => last.clone(),
            _ => alias,
        };
        if name != "self" || path.is_empty() {
            path.push(name);
        }
        self.imports.push(Import { path, alias: Some(alias), is_reexport });
    }

    /// Adds the identifiers and paths in some code. Returns the number of its unsafe blocks.
    ///
    /// Tokens are scanned, and not the syntax tree, because the arguments of macros are tokens
    /// only.
    fn scan(&mut self, tokens: TokenStream) -> usize {
        let mut unsafe_blocks = 0;
        let mut path: Vec<String> = Vec::new();
        // Number of colons after the last identifier of the path.
        let mut colons = 0;
        let mut is_unsafe = false;
        for token in tokens {
            match &token {
                TokenTree::Ident(ident) => {
                    let name = ident.to_string();
                    if colons != 2 {
                        self.add_path(std::mem::take(&mut path));
                    }
                    colons = 0;
                    is_unsafe = name == "unsafe";
                    self.identifiers.insert(name.clone());
                    path.push(name);
                    continue;
                }
                TokenTree::Punct(punct) if punct.as_char() == ':' => colons += 1,
                token => {
                    self.add_path(std::mem::take(&mut path));
                    colons = 0;
                    if let TokenTree::Group(group) = token {
                        let is_block = group.delimiter() == Delimiter::Brace;
                        unsafe_blocks += usize::from(is_unsafe && is_block);
                        unsafe_blocks += self.scan(group.stream());
                    }
                }
            }
            is_unsafe = false;
        }
        self.add_path(path);
        unsafe_blocks
    }

    fn add_path(&mut self, path: Vec<String>) {
        if path.len() > 1 {
            self.paths.push(path);
        }
    }
}

/// Adds the `use` items within functions to their module.
struct Imports<'m>(&'m mut Module);

impl<'ast> Visit<'ast> for Imports<'_> {
    fn visit_item_use(&mut self, item: &'ast ItemUse) {
        self.0.add_imports(item);
    }
}

/// The name that an item defines in its module.
fn defined_name(item: &Item) -> Option<String> {
    let ident = match item {
        Item::Const(item) => &item.ident,
        Item::Enum(item) => &item.ident,
        Item::Fn(item) => &item.sig.ident,
        Item::Macro(item) => item.ident.as_ref()?,
        Item::Static(item) => &item.ident,
        Item::Struct(item) => &item.ident,
        Item::Trait(item) => &item.ident,
        Item::TraitAlias(item) => &item.ident,
        Item::Type(item) => &item.ident,
        Item::Union(item) => &item.ident,
        _ => return None,
    };
    Some(ident.to_string())
}

fn attributes(item: &Item) -> &[Attribute] {
    match item {
        Item::Const(item) => &item.attrs,
        Item::Enum(item) => &item.attrs,
        Item::Fn(item) => &item.attrs,
        Item::Impl(item) => &item.attrs,
        Item::Macro(item) => &item.attrs,
        Item::Mod(item) => &item.attrs,
        Item::Static(item) => &item.attrs,
        Item::Struct(item) => &item.attrs,
        Item::Trait(item) => &item.attrs,
        Item::Type(item) => &item.attrs,
        Item::Use(item) => &item.attrs,
        _ => &[],
    }
}

/// Whether an item is compiled for tests only: `#[cfg(test)]`, or with further conditions.
fn is_test(attributes: &[Attribute]) -> bool {
    attributes.iter().any(|attribute| {
        let condition = attribute.meta.require_list().map(|list| list.tokens.to_string());
        attribute.path().is_ident("cfg")
            && condition
                .is_ok_and(|condition| condition == "test" || condition.starts_with("all (test"))
    })
}
