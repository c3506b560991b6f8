//! The macros behind `contract`: one annotated struct becomes a resource's form, typed arguments and typed references.
//!
//! - `#[shape]` on a struct of inputs: serde, [`Shape`], and a `…Args` struct whose fields may be outputs of other resources.
//! - `#[shape(outputs)]`: serde, `Shape`, and a `…Refs` struct whose fields are outputs.
//! - `#[shape(settings)]`: serde and `Shape` alone.
//! - `#[shape]` on an enum of unit variants: a closed set of words (`#[word("…")]`, else the variant's name in kebab-case).
//! - `#[resource("pkg:module:Type", Id)]` on a unit struct: `Contract`, from the `…Inputs` and `…Outputs` beside it.
//!   Beyond that: `example = function`, `check = function`, and `never_replaced = "name"` for what may not be replaced while
//!   that input stays.
//! - `#[function("pkg:module:name")]` on a unit struct: `Function`, from the `…Inputs` and `…Result` beside it.
//!
//! Field attributes: `#[immutable]`, `#[secret]`, `#[stable]`, `#[create_only]`, `#[computed]`,
//! `#[autonamed]`, `#[variant]`, `#[default(expression)]`.

use proc_macro::TokenStream;
use proc_macro2::{Span, TokenStream as Tokens};
use quote::{format_ident, quote};
use syn::{
    Attribute, Data, DeriveInput, Expr, ExprLit, Field, Fields, Ident, Lit, LitStr, Meta, Path, Token, Type, Variant,
    parse::{Parse, ParseStream},
    parse_macro_input,
    spanned::Spanned,
};

/// See the crate's documentation.
#[proc_macro_attribute]
pub fn shape(args: TokenStream, item: TokenStream) -> TokenStream {
    let role = parse_macro_input!(args as Role);
    let item = parse_macro_input!(item as DeriveInput);
    let result = match &item.data {
        Data::Struct(data) => match &data.fields {
            Fields::Named(_) => structure(role, &item),
            _ => Err(syn::Error::new(item.span(), "a shape has named fields")),
        },
        Data::Enum(_) => choice(&item),
        Data::Union(_) => Err(syn::Error::new(item.span(), "a union has no shape")),
    };
    result.unwrap_or_else(|error| error.to_compile_error()).into()
}

/// See the crate's documentation.
#[proc_macro_attribute]
pub fn resource(args: TokenStream, item: TokenStream) -> TokenStream {
    let args = parse_macro_input!(args as ResourceArgs);
    let item = parse_macro_input!(item as DeriveInput);
    contract(&args, &item).into()
}

/// See the crate's documentation.
#[proc_macro_attribute]
pub fn function(args: TokenStream, item: TokenStream) -> TokenStream {
    let token = parse_macro_input!(args as LitStr);
    let item = parse_macro_input!(item as DeriveInput);
    let DeriveInput { attrs, vis, ident, .. } = &item;
    let docs = docs_of(attrs);
    let (inputs, result, arguments) = (
        format_ident!("{ident}Inputs"),
        format_ident!("{ident}Result"),
        format_ident!("{ident}Args"),
    );
    quote! {
        #(#attrs)*
        #[derive(Debug, Clone, Copy)]
        #vis struct #ident;

        impl ::groundwork_contract::Function for #ident {
            const TOKEN: &'static str = #token;
            const DOCS: &'static str = #docs;
            type Inputs = #inputs;
            type Args = #arguments;
            type Result = #result;
        }
    }
    .into()
}

/// What a struct is for.
#[derive(Clone, Copy, PartialEq)]
enum Role {
    Inputs,
    Outputs,
    Settings,
}

impl Parse for Role {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        if input.is_empty() {
            return Ok(Self::Inputs);
        }
        let word: Ident = input.parse()?;
        match word.to_string().as_str() {
            "outputs" => Ok(Self::Outputs),
            "settings" => Ok(Self::Settings),
            _ => Err(syn::Error::new(word.span(), "expected `outputs` or `settings`")),
        }
    }
}

struct ResourceArgs {
    token: LitStr,
    id: Path,
    example: Option<Path>,
    check: Option<Path>,
    never_replaced: Option<LitStr>,
    identity: Option<Path>,
    conceal: Option<Path>,
}

impl Parse for ResourceArgs {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        let token = input.parse()?;
        input.parse::<Token![,]>()?;
        let id = input.parse()?;
        let (mut example, mut check, mut never_replaced) = (None, None, None);
        let (mut identity, mut conceal) = (None, None);
        while input.parse::<Option<Token![,]>>()?.is_some() && !input.is_empty() {
            let word: Ident = input.parse()?;
            input.parse::<Token![=]>()?;
            match word.to_string().as_str() {
                "example" => example = Some(input.parse()?),
                "check" => check = Some(input.parse()?),
                "never_replaced" => never_replaced = Some(input.parse()?),
                "identity" => identity = Some(input.parse()?),
                "conceal" => conceal = Some(input.parse()?),
                _ => {
                    return Err(syn::Error::new(
                        word.span(),
                        "expected `example`, `check`, `identity` or `conceal` and `= function`, or `never_replaced = \"name\"`",
                    ));
                }
            }
        }
        Ok(Self {
            token,
            id,
            example,
            check,
            never_replaced,
            identity,
            conceal,
        })
    }
}

fn contract(args: &ResourceArgs, item: &DeriveInput) -> Tokens {
    let DeriveInput { attrs, vis, ident, .. } = item;
    let ResourceArgs {
        token,
        id,
        example,
        check,
        never_replaced,
        identity,
        conceal,
    } = args;
    let docs = docs_of(attrs);
    let (inputs, outputs) = (format_ident!("{ident}Inputs"), format_ident!("{ident}Outputs"));
    let (arguments, refs) = (format_ident!("{ident}Args"), format_ident!("{ident}Refs"));
    let example = example.as_ref().map(|example| {
        quote! {
            fn example() -> ::groundwork_contract::Example {
                #example()
            }
        }
    });
    let check = check.as_ref().map(|check| {
        quote! {
            fn check(args: &Self::Args) -> Vec<::groundwork_contract::Failure> {
                #check(args)
            }
        }
    });
    let never_replaced = never_replaced
        .as_ref()
        .map(|name| quote!(const NEVER_REPLACED: Option<&'static str> = Some(#name);));
    let identity = identity.as_ref().map(|identity| {
        quote! {
            fn identity(inputs: &groundwork_wire::PropertyMap) -> Vec<(groundwork_wire::PropertyPath, groundwork_wire::PropertyValue)> {
                #identity(inputs)
            }
        }
    });
    let conceal = conceal.as_ref().map(|conceal| {
        quote! {
            fn conceal(properties: &mut groundwork_wire::PropertyMap) {
                #conceal(properties);
            }
        }
    });
    quote! {
        #(#attrs)*
        #[derive(Debug, Clone, Copy)]
        #vis struct #ident;

        impl ::groundwork_contract::Contract for #ident {
            const TOKEN: &'static str = #token;
            const DOCS: &'static str = #docs;
            #never_replaced
            type Id = #id;
            type Inputs = #inputs;
            type Outputs = #outputs;
            type Args = #arguments;
            type Refs = #refs;
            #example
            #check
            #identity
            #conceal
        }
    }
}

/// A field, with its helper attributes read and taken off.
struct Property<'a> {
    field: &'a Field,
    ident: &'a Ident,
    ty: &'a Type,
    wire: String,
    docs: String,
    kept: Vec<&'a Attribute>,
    default: Option<Expr>,
    flags: Vec<Ident>,
}

const FLAGS: [&str; 7] = [
    "immutable",
    "secret",
    "stable",
    "create_only",
    "computed",
    "autonamed",
    "variant",
];

impl<'a> Property<'a> {
    fn read(field: &'a Field) -> syn::Result<Self> {
        let ident = field
            .ident
            .as_ref()
            .ok_or_else(|| syn::Error::new(field.span(), "a shape has named fields"))?;
        let (mut kept, mut flags, mut default) = (Vec::new(), Vec::new(), None);
        for attribute in &field.attrs {
            match attribute.path().get_ident() {
                Some(name) if FLAGS.iter().any(|flag| name == flag) => flags.push(name.clone()),
                Some(name) if name == "default" => default = Some(attribute.parse_args::<Expr>()?),
                _ => kept.push(attribute),
            }
        }
        let docs = docs_of(&field.attrs);
        Ok(Self {
            field,
            ident,
            ty: &field.ty,
            wire: camel(&ident.to_string()),
            docs,
            kept,
            default,
            flags,
        })
    }

    /// Whether it must be given.
    fn required(&self) -> bool {
        self.default.is_none() && optional(self.ty).is_none()
    }

    fn has(&self, flag: &str) -> bool {
        self.flags.iter().any(|name| name == flag)
    }
}

fn structure(role: Role, item: &DeriveInput) -> syn::Result<Tokens> {
    let DeriveInput {
        attrs,
        vis,
        ident,
        data,
        ..
    } = item;
    let Data::Struct(data) = data else {
        return Err(syn::Error::new(item.span(), "expected a struct"));
    };
    let properties = data
        .fields
        .iter()
        .map(Property::read)
        .collect::<syn::Result<Vec<_>>>()?;
    let docs = docs_of(attrs);
    let name = ident.to_string();

    let fields = properties.iter().map(|property| {
        let Property {
            field,
            ident,
            ty,
            kept,
            default,
            ..
        } = property;
        let field_vis = &field.vis;
        let serde = if default.is_some() {
            let function = format!("{}::{}", default_module(&name), ident);
            quote!(#[serde(default = #function)])
        } else if optional(ty).is_some() {
            quote!(#[serde(default, skip_serializing_if = "Option::is_none")])
        } else {
            quote!()
        };
        quote!(#(#kept)* #serde #field_vis #ident: #ty,)
    });
    let defaults = properties.iter().filter_map(|property| {
        let Property { ident, ty, default, .. } = property;
        let default = default.as_ref()?;
        Some(quote!(pub(super) fn #ident() -> #ty { #default }))
    });
    let default_module = Ident::new(&default_module(&name), Span::call_site());
    let defaults: Vec<_> = defaults.collect();
    let defaults = (!defaults.is_empty()).then(|| {
        quote! {
            #[allow(clippy::wildcard_imports, unused_imports, reason = "generated: default expressions speak of their surroundings")]
            mod #default_module { use super::*; #(#defaults)* }
        }
    });
    let specs = properties.iter().map(|property| {
        let Property {
            ident,
            ty,
            wire,
            docs,
            default,
            flags,
            ..
        } = property;
        let required = property.required();
        let default = if default.is_some() {
            quote!(serde_json::to_value(#default_module::#ident()).ok())
        } else {
            quote!(None)
        };
        quote! {
            ::groundwork_contract::shape::FieldSpec {
                name: #wire,
                docs: #docs,
                spec: <#ty as ::groundwork_contract::shape::Shape>::spec(),
                required: #required,
                default: #default,
                flags: ::groundwork_contract::shape::Flags { #(#flags: true,)* ..::groundwork_contract::shape::Flags::default() },
            }
        }
    });
    let companion = match role {
        Role::Inputs => arguments(vis, ident, &properties),
        Role::Outputs => references(vis, ident, &properties),
        Role::Settings => quote!(),
    };
    Ok(quote! {
        #(#attrs)*
        #[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
        #[serde(rename_all = "camelCase")]
        #vis struct #ident { #(#fields)* }

        #defaults

        impl ::groundwork_contract::shape::Shape for #ident {
            fn spec() -> ::groundwork_contract::shape::Spec {
                ::groundwork_contract::shape::Spec::Object(::groundwork_contract::shape::ObjectSpec { name: #name, docs: #docs, fields: vec![#(#specs),*] })
            }
        }

        #companion
    })
}

/// The struct that a program fills in: each field a value, or an output of another resource.
fn arguments(vis: &syn::Visibility, ident: &Ident, properties: &[Property<'_>]) -> Tokens {
    let base = ident.to_string();
    let args = format_ident!("{}Args", base.strip_suffix("Inputs").unwrap_or(&base));
    let about = format!("What a program gives for [`{ident}`]: each field a value, or an output of another resource.");
    let required: Vec<_> = properties.iter().filter(|property| property.required()).collect();
    let fields = properties.iter().map(|property| {
        let Property { ident, docs, .. } = property;
        let inner = argument_type(property.ty);
        let ty = if property.required() {
            quote!(::groundwork_contract::Input<#inner>)
        } else {
            quote!(Option<::groundwork_contract::Input<#inner>>)
        };
        quote!(#[doc = #docs] pub #ident: #ty,)
    });
    let parameters = required.iter().map(|property| {
        let (ident, inner) = (property.ident, argument_type(property.ty));
        quote!(#ident: impl Into<::groundwork_contract::Input<#inner>>)
    });
    let initial = properties.iter().map(|property| {
        let ident = property.ident;
        if property.required() {
            quote!(#ident: #ident.into(),)
        } else {
            quote!(#ident: None,)
        }
    });
    let setters = properties
        .iter()
        .filter(|property| !property.required())
        .map(|property| {
            let Property { ident, docs, ty, .. } = property;
            let inner = argument_type(ty);
            quote! {
                #[doc = #docs]
                #[must_use]
                pub fn #ident(mut self, #ident: impl Into<::groundwork_contract::Input<#inner>>) -> Self {
                    self.#ident = Some(#ident.into());
                    self
                }
            }
        });
    let read = properties.iter().map(|property| {
        let Property { ident, wire, .. } = property;
        if property.required() {
            quote!(#ident: ::groundwork_contract::Input::from_property(map.get(#wire).cloned().unwrap_or_default()),)
        } else {
            quote!(#ident: map.get(#wire).filter(|value| !value.is_null()).cloned().map(::groundwork_contract::Input::from_property),)
        }
    });
    let write = properties.iter().map(|property| {
        let Property { ident, wire, .. } = property;
        let node = if property.has("secret") {
            quote!(::groundwork_contract::Input::secret(field))
        } else {
            quote!(field)
        };
        if property.required() {
            quote!((#wire, { let field = args.#ident; Some(::groundwork_contract::InputNode::from(#node)) }),)
        } else {
            quote!((#wire, args.#ident.map(|field| ::groundwork_contract::InputNode::from(#node))),)
        }
    });
    let default = required.is_empty().then(|| {
        quote! {
            impl Default for #args {
                fn default() -> Self {
                    Self::new()
                }
            }
        }
    });
    quote! {
        #[doc = #about]
        #[derive(Debug, Clone)]
        #vis struct #args { #(#fields)* }

        impl #args {
            /// With what must be given; the rest by the methods below.
            #[allow(clippy::too_many_arguments, clippy::new_without_default, reason = "generated: as many as AWS requires")]
            pub fn new(#(#parameters),*) -> Self {
                Self { #(#initial)* }
            }

            #(#setters)*
        }

        #default

        impl ::groundwork_contract::FromProperties for #args {
            fn from_properties(map: &groundwork_wire::PropertyMap) -> Self {
                let _ = map;
                Self { #(#read)* }
            }
        }

        impl From<#args> for ::groundwork_contract::Input<#ident> {
            fn from(args: #args) -> Self {
                let _ = &args;
                ::groundwork_contract::Input::from_fields::<&'static str>([#(#write)*])
            }
        }
    }
}

/// The struct that a program reads: each field an output.
fn references(vis: &syn::Visibility, ident: &Ident, properties: &[Property<'_>]) -> Tokens {
    let base = ident.to_string();
    let refs = format_ident!("{}Refs", base.strip_suffix("Outputs").unwrap_or(&base));
    let about = format!("[`{ident}`] as a program sees it: each field an output.");
    let fields = properties
        .iter()
        .map(|Property { ident, ty, docs, .. }| quote!(#[doc = #docs] pub #ident: ::groundwork_contract::Output<#ty>,));
    let read = properties
        .iter()
        .map(|Property { ident, wire, .. }| quote!(#ident: object.field(#wire),));
    quote! {
        #[doc = #about]
        #[derive(Debug, Clone)]
        #vis struct #refs { #(#fields)* }

        impl ::groundwork_contract::FromOutputs for #refs {
            fn from_outputs(object: &::groundwork_contract::Output<serde_json::Value>) -> Self {
                let _ = object;
                Self { #(#read)* }
            }
        }
    }
}

fn choice(item: &DeriveInput) -> syn::Result<Tokens> {
    let DeriveInput {
        attrs,
        vis,
        ident,
        data,
        ..
    } = item;
    let Data::Enum(data) = data else {
        return Err(syn::Error::new(item.span(), "expected an enum"));
    };
    let (docs, name) = (docs_of(attrs), ident.to_string());
    let variants = data.variants.iter().map(word).collect::<syn::Result<Vec<_>>>()?;
    let declared = variants.iter().map(|(variant, word, kept)| {
        let ident = &variant.ident;
        quote!(#(#kept)* #[serde(rename = #word)] #ident,)
    });
    let words = variants.iter().map(|(variant, word, _)| {
        let docs = docs_of(&variant.attrs);
        quote!((#word.to_owned(), #docs))
    });
    let texts = variants.iter().map(|(variant, word, _)| {
        let ident = &variant.ident;
        quote!(Self::#ident => #word,)
    });
    Ok(quote! {
        #(#attrs)*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
        #vis enum #ident { #(#declared)* }

        impl #ident {
            /// The word on the wire.
            pub const fn word(self) -> &'static str {
                match self { #(#texts)* }
            }
        }

        impl std::fmt::Display for #ident {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.word())
            }
        }

        impl ::groundwork_contract::shape::Shape for #ident {
            fn spec() -> ::groundwork_contract::shape::Spec {
                ::groundwork_contract::shape::Spec::Choice(::groundwork_contract::shape::ChoiceSpec { name: #name, docs: #docs, words: vec![#(#words),*] })
            }
        }
    })
}

fn word(variant: &Variant) -> syn::Result<(&Variant, String, Vec<&Attribute>)> {
    if !matches!(variant.fields, Fields::Unit) {
        return Err(syn::Error::new(variant.span(), "a choice has unit variants"));
    }
    let (mut kept, mut word) = (Vec::new(), None);
    for attribute in &variant.attrs {
        if attribute.path().is_ident("word") {
            word = Some(attribute.parse_args::<LitStr>()?.value());
        } else {
            kept.push(attribute);
        }
    }
    Ok((variant, word.unwrap_or_else(|| kebab(&variant.ident.to_string())), kept))
}

/// The type inside an `Option`.
fn optional(ty: &Type) -> Option<&Type> {
    let Type::Path(path) = ty else { return None };
    let last = path.path.segments.last()?;
    if last.ident != "Option" {
        return None;
    }
    let syn::PathArguments::AngleBracketed(arguments) = &last.arguments else {
        return None;
    };
    arguments.args.iter().find_map(|argument| match argument {
        syn::GenericArgument::Type(inner) => Some(inner),
        _ => None,
    })
}

fn argument_type(ty: &Type) -> &Type {
    optional(ty).unwrap_or(ty)
}

fn docs_of(attributes: &[Attribute]) -> String {
    let lines = attributes.iter().filter_map(|attribute| match &attribute.meta {
        Meta::NameValue(pair) if pair.path.is_ident("doc") => match &pair.value {
            Expr::Lit(ExprLit {
                lit: Lit::Str(text), ..
            }) => Some(text.value().trim().to_owned()),
            _ => None,
        },
        _ => None,
    });
    // Lines of one paragraph run together; an empty line parts two.
    lines.fold(String::new(), |mut docs, line| {
        if line.is_empty() {
            docs.push_str("\n\n");
        } else {
            if !docs.is_empty() && !docs.ends_with('\n') {
                docs.push(' ');
            }
            docs.push_str(&line);
        }
        docs
    })
}

fn default_module(name: &str) -> String {
    format!("defaults_of_{}", kebab(name).replace('-', "_"))
}

fn camel(snake: &str) -> String {
    let snake = snake.strip_prefix("r#").unwrap_or(snake);
    let mut parts = snake.split('_');
    let mut camel = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let mut letters = part.chars();
        camel.extend(letters.next().map(|letter| letter.to_ascii_uppercase()));
        camel.push_str(letters.as_str());
    }
    camel
}

fn kebab(pascal: &str) -> String {
    let mut kebab = String::new();
    for (index, letter) in pascal.char_indices() {
        if letter.is_ascii_uppercase() && index > 0 {
            kebab.push('-');
        }
        kebab.push(letter.to_ascii_lowercase());
    }
    kebab
}
