//! How to go on with what `--keep` leaves running.

use std::path::Path;

use groundwork_local::{LocalCloud, Ui};

/// `own` is this program.
pub(super) fn explain(own: &Path, cloud: &LocalCloud, project: &Path, ui: &Ui) {
    let own = own.display();
    let state = cloud.state().display();
    ui.line(format_args!(
        "\nIt is left running.\n  AWS     {endpoint}\n  use     eval \"$({own} local --state {state} env)\"\n          cd \
         {project}\n          pulumi up --stack demo\n  remove  pulumi destroy --stack demo\n          {own} local \
         --state {state} down\n          rm -r {state}",
        endpoint = cloud.endpoint(),
        project = project.display(),
    ));
}
