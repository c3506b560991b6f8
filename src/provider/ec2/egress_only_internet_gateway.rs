//! An egress-only internet gateway.

use aws_sdk_ec2::types::ResourceType;
use groundwork_contract::ec2::{
    EgressOnlyInternetGateway, EgressOnlyInternetGatewayId, EgressOnlyInternetGatewayInputs,
    EgressOnlyInternetGatewayOutputs,
};

use super::{
    internet_gateway::{attached, state},
    parse, read_tags, update_tags,
};
use crate::{
    cx::Cx,
    error::{Gone, Result, aws},
    resource::{Created, Live, Phase, Recovery, Resource, State},
};

impl Resource for EgressOnlyInternetGateway {
    type Facts = ();
    const RECOVERY: Recovery = Recovery::Ec2Tag("egress-only-internet-gateway");

    async fn create(cx: &Cx, inputs: &EgressOnlyInternetGatewayInputs) -> Result<Created<Self>> {
        let answer = cx
            .ec2_once()
            .create_egress_only_internet_gateway()
            .client_token(&cx.client_token)
            .vpc_id(inputs.vpc_id.as_str())
            .tag_specifications(cx.tag_specification(ResourceType::EgressOnlyInternetGateway, inputs.tags.as_ref()))
            .send()
            .await
            .map_err(aws("ec2", "CreateEgressOnlyInternetGateway"))?;
        let gateway = answer.egress_only_internet_gateway();
        parse(
            gateway.and_then(|gateway| gateway.egress_only_internet_gateway_id()),
            "egressOnlyInternetGatewayId",
        )
        .map(Created::new)
    }

    async fn read(
        cx: &Cx,
        id: &EgressOnlyInternetGatewayId,
        _last: Option<&State<Self>>,
    ) -> Result<Option<Live<Self>>> {
        let answer = cx
            .ec2()
            .describe_egress_only_internet_gateways()
            .egress_only_internet_gateway_ids(id.as_str())
            .send()
            .await
            .map_err(aws("ec2", "DescribeEgressOnlyInternetGateways"))
            .or_gone()?;
        let gateways = answer.and_then(|answer| answer.egress_only_internet_gateways);
        let Some(gateway) = gateways.into_iter().flatten().next() else {
            return Ok(None);
        };
        let Some(attachment) = attached(gateway.attachments()) else {
            // It is attached as long as it lives.
            return Ok(None);
        };
        let (tags, pending_mark) = read_tags(gateway.tags.as_deref());
        Ok(Some(Live {
            inputs: EgressOnlyInternetGatewayInputs {
                vpc_id: parse(attachment.vpc_id(), "vpcId")?,
                tags,
            },
            outputs: EgressOnlyInternetGatewayOutputs {
                arn: cx.aws.ec2_arn(&format!("egress-only-internet-gateway/{id}"))?,
                attachment_state: state(attachment).unwrap_or_default(),
            },
            pending_mark,
        }))
    }

    async fn update(
        cx: &Cx,
        id: &EgressOnlyInternetGatewayId,
        old: &State<Self>,
        new: &EgressOnlyInternetGatewayInputs,
    ) -> Result<()> {
        update_tags(cx, id.as_str(), old.inputs.tags.as_ref(), new.tags.as_ref()).await
    }

    async fn delete(cx: &Cx, id: &EgressOnlyInternetGatewayId, _state: &State<Self>) -> Result<()> {
        cx.ec2()
            .delete_egress_only_internet_gateway()
            .egress_only_internet_gateway_id(id.as_str())
            .send()
            .await
            .map_err(aws("ec2", "DeleteEgressOnlyInternetGateway"))?;
        Ok(())
    }

    fn phase(live: &Live<Self>) -> Phase {
        match live.outputs.attachment_state.as_str() {
            "attached" | "available" => Phase::Ready,
            other => Phase::Pending(other.to_owned()),
        }
    }
}
