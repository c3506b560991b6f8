//! A route table.

use aws_sdk_ec2::types::ResourceType;
use groundwork_contract::ec2::{RouteTable, RouteTableId, RouteTableInputs, RouteTableOutputs};

use super::{parse, read_tags, update_tags};
use crate::{
    cx::Cx,
    error::{Gone, Result, aws},
    resource::{Created, Live, Recovery, Resource, State},
};

impl Resource for RouteTable {
    type Facts = ();
    const RECOVERY: Recovery = Recovery::Ec2Tag("route-table");

    async fn create(cx: &Cx, inputs: &RouteTableInputs) -> Result<Created<Self>> {
        let answer = cx
            .ec2_once()
            .create_route_table()
            .vpc_id(inputs.vpc_id.as_str())
            .tag_specifications(cx.tag_specification(ResourceType::RouteTable, inputs.tags.as_ref()))
            .send()
            .await
            .map_err(aws("ec2", "CreateRouteTable"))?;
        parse(
            answer.route_table().and_then(|table| table.route_table_id()),
            "routeTableId",
        )
        .map(Created::new)
    }

    async fn read(cx: &Cx, id: &RouteTableId, _last: Option<&State<Self>>) -> Result<Option<Live<Self>>> {
        let Some(table) = describe(cx, id).await? else {
            return Ok(None);
        };
        let (tags, pending_mark) = read_tags(table.tags.as_deref());
        Ok(Some(Live {
            inputs: RouteTableInputs {
                vpc_id: parse(table.vpc_id(), "vpcId")?,
                tags,
            },
            outputs: RouteTableOutputs {
                arn: cx.aws.ec2_arn(&format!("route-table/{id}"))?,
                owner_id: parse(table.owner_id(), "ownerId")?,
            },
            pending_mark,
        }))
    }

    async fn update(cx: &Cx, id: &RouteTableId, old: &State<Self>, new: &RouteTableInputs) -> Result<()> {
        update_tags(cx, id.as_str(), old.inputs.tags.as_ref(), new.tags.as_ref()).await
    }

    async fn delete(cx: &Cx, id: &RouteTableId, _state: &State<Self>) -> Result<()> {
        cx.ec2()
            .delete_route_table()
            .route_table_id(id.as_str())
            .send()
            .await
            .map_err(aws("ec2", "DeleteRouteTable"))?;
        Ok(())
    }

    async fn obstacles(cx: &Cx, id: &RouteTableId) -> Result<Vec<String>> {
        let table = describe(cx, id).await?;
        Ok(table
            .iter()
            .flat_map(aws_sdk_ec2::types::RouteTable::associations)
            .map(|association| {
                let what = association.subnet_id().or_else(|| association.gateway_id());
                format!(
                    "association {} with {}",
                    association.route_table_association_id().unwrap_or("?"),
                    what.unwrap_or("the VPC, as its main route table")
                )
            })
            .collect())
    }
}

/// A route table with its routes and associations.
pub(super) async fn describe(cx: &Cx, id: &RouteTableId) -> Result<Option<aws_sdk_ec2::types::RouteTable>> {
    let answer = cx
        .ec2()
        .describe_route_tables()
        .route_table_ids(id.as_str())
        .send()
        .await
        .map_err(aws("ec2", "DescribeRouteTables"))
        .or_gone()?;
    Ok(answer.and_then(|answer| answer.route_tables.unwrap_or_default().into_iter().next()))
}
