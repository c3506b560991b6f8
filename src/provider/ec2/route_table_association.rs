//! A route table's association with a subnet or a gateway.

use aws_sdk_ec2::types::{RouteTableAssociation as AwsAssociation, RouteTableAssociationStateCode as Code};
use groundwork_contract::ec2::{
    RouteTableAssociation, RouteTableAssociationInputs, RouteTableAssociationOutputs, RouteTableAssociationTarget,
    RouteTableId,
};

use super::{filter, parse};
use crate::{
    cx::Cx,
    error::{Error, Result, aws},
    resource::{Created, Live, Phase, Recovery, Resource, State},
};

impl Resource for RouteTableAssociation {
    type Facts = ();
    const RECOVERY: Recovery = Recovery::Identity;
    const UNIQUE: bool = true;

    async fn create(cx: &Cx, inputs: &RouteTableAssociationInputs) -> Result<Created<Self>> {
        let target = target(inputs)?;
        associate(cx, &target, &inputs.route_table_id).await?;
        Ok(Created::new(target))
    }

    async fn read(
        cx: &Cx,
        id: &RouteTableAssociationTarget,
        _last: Option<&State<Self>>,
    ) -> Result<Option<Live<Self>>> {
        let Some(association) = current(cx, id).await? else {
            return Ok(None);
        };
        let state = association.association_state();
        Ok(Some(Live {
            inputs: RouteTableAssociationInputs {
                subnet_id: id.subnet(),
                gateway_id: id.gateway(),
                route_table_id: parse(association.route_table_id(), "routeTableId")?,
            },
            outputs: RouteTableAssociationOutputs {
                association_id: parse(association.route_table_association_id(), "routeTableAssociationId")?,
                // AWS leaves the state out where there is nothing to tell.
                state: state
                    .and_then(|state| state.state())
                    .map_or("associated", Code::as_str)
                    .to_owned(),
                status_message: state.and_then(|state| state.status_message.clone()),
            },
            pending_mark: false,
        }))
    }

    async fn update(
        cx: &Cx,
        id: &RouteTableAssociationTarget,
        _old: &State<Self>,
        new: &RouteTableAssociationInputs,
    ) -> Result<()> {
        // The association's id changes with each change of the table: only the live one counts.
        let Some(association) = current(cx, id).await? else {
            return associate(cx, id, &new.route_table_id).await;
        };
        if association.route_table_id() == Some(new.route_table_id.as_str()) {
            return Ok(());
        }
        cx.ec2()
            .replace_route_table_association()
            .set_association_id(association.route_table_association_id)
            .route_table_id(new.route_table_id.as_str())
            .send()
            .await
            .map_err(aws("ec2", "ReplaceRouteTableAssociation"))?;
        Ok(())
    }

    async fn delete(cx: &Cx, id: &RouteTableAssociationTarget, _state: &State<Self>) -> Result<()> {
        let Some(association) = current(cx, id).await? else {
            return Ok(());
        };
        cx.ec2()
            .disassociate_route_table()
            .set_association_id(association.route_table_association_id)
            .send()
            .await
            .map_err(aws("ec2", "DisassociateRouteTable"))?;
        Ok(())
    }

    fn phase(live: &Live<Self>) -> Phase {
        let RouteTableAssociationOutputs {
            state, status_message, ..
        } = &live.outputs;
        match state.as_str() {
            "associated" => Phase::Ready,
            "failed" => Phase::Failed(
                status_message
                    .clone()
                    .unwrap_or_else(|| "the association failed".to_owned()),
            ),
            other => Phase::Pending(other.to_owned()),
        }
    }

    async fn find(cx: &Cx, inputs: &RouteTableAssociationInputs) -> Result<Option<RouteTableAssociationTarget>> {
        let target = target(inputs)?;
        let live = Self::read(cx, &target, None).await?;
        Ok(live.filter(|live| live.inputs == *inputs).map(|_| target))
    }
}

fn target(inputs: &RouteTableAssociationInputs) -> Result<RouteTableAssociationTarget> {
    inputs
        .target()
        .ok_or_else(|| Error::Invalid("the association names neither a subnet nor a gateway".to_owned()))
}

async fn associate(cx: &Cx, target: &RouteTableAssociationTarget, table: &RouteTableId) -> Result<()> {
    cx.ec2_once()
        .associate_route_table()
        .route_table_id(table.as_str())
        .set_subnet_id(target.subnet().map(String::from))
        .set_gateway_id(target.gateway().map(String::from))
        .send()
        .await
        .map_err(aws("ec2", "AssociateRouteTable"))?;
    Ok(())
}

/// The association of a subnet or a gateway that is, or is about to be; none where the main route table serves.
async fn current(cx: &Cx, target: &RouteTableAssociationTarget) -> Result<Option<AwsAssociation>> {
    let name = match target.subnet() {
        Some(_) => "association.subnet-id",
        None => "association.gateway-id",
    };
    let answer = cx
        .ec2()
        .describe_route_tables()
        .filters(filter(name, target.as_str()))
        .send()
        .await
        .map_err(aws("ec2", "DescribeRouteTables"))?;
    // The filter finds tables, with all of their associations.
    let ours = |association: &AwsAssociation| {
        association.subnet_id().or_else(|| association.gateway_id()) == Some(target.as_str())
    };
    let going = |association: &AwsAssociation| {
        let state = association.association_state().and_then(|state| state.state());
        matches!(state, Some(Code::Disassociating | Code::Disassociated))
    };
    Ok(answer
        .route_tables
        .unwrap_or_default()
        .into_iter()
        .flat_map(|table| table.associations.unwrap_or_default())
        .find(|association| ours(association) && !going(association)))
}
