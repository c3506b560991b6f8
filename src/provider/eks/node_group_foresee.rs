//! What can be told of a managed node group at preview, once its launch template is there.

use aws_sdk_ec2::types::InstanceType;
use groundwork_contract::{
    Input,
    eks::{AmiType, NodeGroupArgs, NodeLaunchTemplate, architecture_of},
};

use crate::{cx::Cx, ec2::launch_template_data, error::Result, resource::Finding};

/// Holds the group against the version of the launch template that it names.
/// Source: EKS User Guide, "Customize managed nodes with launch templates".
pub(super) async fn foresee(cx: &Cx, args: &NodeGroupArgs) -> Result<Vec<Finding>> {
    let Some(template) = args.launch_template.as_ref().and_then(Input::known) else {
        return Ok(Vec::new());
    };
    let NodeLaunchTemplate { id, name, version } = template;
    let version = version.map_or_else(|| "$Default".to_owned(), |version| version.to_string());
    let Some(data) = launch_template_data(cx, id.as_ref(), name.as_deref(), &version).await? else {
        // It may be made in the same run under a name that is known.
        return Ok(Vec::new());
    };
    let ami: Option<AmiType> = args.ami_type.as_ref().and_then(Input::known);
    let types = args.instance_types.as_ref().and_then(Input::known);
    Ok(mistakes(
        args.ami_type.is_none() || ami.is_some(),
        ami,
        types.as_deref(),
        data.image_id(),
        data.instance_type().map(InstanceType::as_str),
    ))
}

fn mistakes(
    known: bool,
    ami: Option<AmiType>,
    types: Option<&[String]>,
    image: Option<&str>,
    instance_type: Option<&str>,
) -> Vec<Finding> {
    let mut found = Vec::new();
    let mut fatal = |property, message| {
        found.push(Finding {
            property: Some(property),
            message,
            fatal: true,
        });
    };
    match (ami, image) {
        (Some(AmiType::Custom), None) => fatal(
            "amiType",
            "is CUSTOM, but the launch template names no image; put imageId there, or take a type of EKS's".to_owned(),
        ),
        (Some(ami), Some(image)) if ami != AmiType::Custom => fatal(
            "amiType",
            format!("is {ami}, but the launch template names {image}; set CUSTOM, or take imageId off the template"),
        ),
        _ => {}
    }
    match (types, instance_type) {
        (Some(types), Some(name)) if !types.is_empty() => fatal(
            "instanceTypes",
            format!("stands beside {name} of the launch template; leave one of the two out"),
        ),
        (None, Some(name)) if known && image.is_none() => {
            let ami = ami.unwrap_or(AmiType::Al2023X8664Standard);
            let apart = architecture_of(name)
                .zip(ami.architecture())
                .filter(|(of, wanted)| of != wanted);
            if let Some((of, wanted)) = apart {
                fatal(
                    "amiType",
                    format!("{ami} is for {wanted}, but {name} of the launch template is {of}; take one for {of}"),
                );
            }
        }
        _ => {}
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn group_and_template_do_not_say_the_same_twice() {
        let types = ["t3.medium".to_owned()];
        let found = mistakes(
            true,
            Some(AmiType::BottlerocketArm64),
            Some(&types),
            Some("ami-1"),
            Some("t4g.medium"),
        );
        assert_eq!(found.len(), 2, "{found:?}");
        assert_eq!(mistakes(true, Some(AmiType::Custom), None, None, None).len(), 1);
        assert!(mistakes(true, Some(AmiType::Custom), None, Some("ami-1"), Some("t4g.medium")).is_empty());
    }

    #[test]
    fn a_template_of_another_architecture_is_told() {
        let found = mistakes(true, None, None, None, Some("t4g.medium"));
        assert!(found[0].message.contains("take one for arm64"), "{found:?}");
        assert!(mistakes(true, Some(AmiType::BottlerocketArm64), None, None, Some("t4g.medium")).is_empty());
        assert!(mistakes(false, None, None, None, Some("t4g.medium")).is_empty());
    }
}
