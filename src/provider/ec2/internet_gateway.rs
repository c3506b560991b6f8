//! An internet gateway.

use aws_sdk_ec2::types::{InternetGatewayAttachment, ResourceType};
use groundwork_contract::ec2::{
    InternetGateway, InternetGatewayId, InternetGatewayInputs, InternetGatewayOutputs, VpcId,
};

use super::{filter, interfaces, nat_gateway::nat_gateways, parse, read_tags, update_tags};
use crate::{
    cx::Cx,
    error::{Gone, Kind, Result, aws},
    resource::{Created, Live, Phase, Recovery, Resource, State},
};

impl Resource for InternetGateway {
    type Facts = ();
    const RECOVERY: Recovery = Recovery::Ec2Tag("internet-gateway");

    async fn create(cx: &Cx, inputs: &InternetGatewayInputs) -> Result<Created<Self>> {
        let answer = cx
            .ec2_once()
            .create_internet_gateway()
            .tag_specifications(cx.tag_specification(ResourceType::InternetGateway, inputs.tags.as_ref()))
            .send()
            .await
            .map_err(aws("ec2", "CreateInternetGateway"))?;
        let gateway = answer.internet_gateway();
        parse(
            gateway.and_then(|gateway| gateway.internet_gateway_id()),
            "internetGatewayId",
        )
        .map(Created::new)
    }

    async fn read(cx: &Cx, id: &InternetGatewayId, _last: Option<&State<Self>>) -> Result<Option<Live<Self>>> {
        let Some(gateway) = describe(cx, id).await?.into_iter().flatten().next() else {
            return Ok(None);
        };
        let attachment = attached(gateway.attachments());
        let (tags, pending_mark) = read_tags(gateway.tags.as_deref());
        Ok(Some(Live {
            inputs: InternetGatewayInputs {
                vpc_id: attachment
                    .map(|attachment| parse(attachment.vpc_id(), "vpcId"))
                    .transpose()?,
                tags,
            },
            outputs: InternetGatewayOutputs {
                arn: cx.aws.ec2_arn(&format!("internet-gateway/{id}"))?,
                owner_id: parse(gateway.owner_id(), "ownerId")?,
                attachment_state: attachment.and_then(state),
            },
            pending_mark,
        }))
    }

    async fn update(cx: &Cx, id: &InternetGatewayId, old: &State<Self>, new: &InternetGatewayInputs) -> Result<()> {
        let old = &old.inputs;
        if old.vpc_id != new.vpc_id {
            if let Some(vpc) = &old.vpc_id {
                detach(cx, id, vpc).await?;
            }
            if let Some(vpc) = &new.vpc_id {
                attach(cx, id, vpc).await?;
            }
        }
        update_tags(cx, id.as_str(), old.tags.as_ref(), new.tags.as_ref()).await
    }

    async fn delete(cx: &Cx, id: &InternetGatewayId, _state: &State<Self>) -> Result<()> {
        // What it is attached to now, not what the state remembers.
        let gateways = describe(cx, id).await?.unwrap_or_default();
        for attachment in gateways.iter().filter_map(|gateway| attached(gateway.attachments())) {
            detach(cx, id, &parse(attachment.vpc_id(), "vpcId")?).await?;
        }
        cx.ec2()
            .delete_internet_gateway()
            .internet_gateway_id(id.as_str())
            .send()
            .await
            .map_err(aws("ec2", "DeleteInternetGateway"))?;
        Ok(())
    }

    fn phase(live: &Live<Self>) -> Phase {
        match live.outputs.attachment_state.as_deref() {
            // "available" is AWS's word for an attached internet gateway.
            None | Some("available" | "attached") => Phase::Ready,
            Some(other) => Phase::Pending(other.to_owned()),
        }
    }

    async fn obstacles(cx: &Cx, id: &InternetGatewayId) -> Result<Vec<String>> {
        let gateways = describe(cx, id).await?.unwrap_or_default();
        let Some(vpc) = gateways
            .first()
            .and_then(|gateway| attached(gateway.attachments())?.vpc_id())
        else {
            return Ok(Vec::new());
        };
        // What has a public address holds the gateway.
        let public = [filter("vpc-id", vpc), filter("association.public-ip", "*")];
        let mut found = interfaces(cx, public).await?;
        found.extend(nat_gateways(cx, filter("vpc-id", vpc)).await?);
        Ok(found)
    }
}

async fn describe(cx: &Cx, id: &InternetGatewayId) -> Result<Option<Vec<aws_sdk_ec2::types::InternetGateway>>> {
    let answer = cx
        .ec2()
        .describe_internet_gateways()
        .internet_gateway_ids(id.as_str())
        .send()
        .await
        .map_err(aws("ec2", "DescribeInternetGateways"))
        .or_gone()?;
    Ok(answer.and_then(|answer| answer.internet_gateways))
}

/// The attachment that is, or is about to be; a gateway has at most one.
pub(super) fn attached(attachments: &[InternetGatewayAttachment]) -> Option<&InternetGatewayAttachment> {
    attachments
        .iter()
        .find(|attachment| !matches!(state(attachment).as_deref(), Some("detaching" | "detached")))
}

pub(super) fn state(attachment: &InternetGatewayAttachment) -> Option<String> {
    attachment.state().map(|state| state.as_str().to_owned())
}

async fn attach(cx: &Cx, id: &InternetGatewayId, vpc: &VpcId) -> Result<()> {
    let attached = cx
        .ec2()
        .attach_internet_gateway()
        .internet_gateway_id(id.as_str())
        .vpc_id(vpc.as_str())
        .send()
        .await
        .map_err(aws("ec2", "AttachInternetGateway"));
    match attached {
        // Attached to this VPC it is as asked for; to another one the next look tells.
        Err(error) if error.kind() == Kind::Exists => Ok(()),
        other => other.map(|_| ()),
    }
}

async fn detach(cx: &Cx, id: &InternetGatewayId, vpc: &VpcId) -> Result<()> {
    cx.ec2()
        .detach_internet_gateway()
        .internet_gateway_id(id.as_str())
        .vpc_id(vpc.as_str())
        .send()
        .await
        .map_err(aws("ec2", "DetachInternetGateway"))
        .or_gone()?;
    Ok(())
}
