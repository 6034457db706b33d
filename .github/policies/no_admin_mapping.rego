# METADATA
# title: No group is mapped to the role admin
# description: >-
#   Denies a plan after which a provider's group_to_role names the role admin, or after which a group mapping cannot be checked because its roles are not known
#   before apply. A mapping that is there already and that the plan does not touch is not in the plan, and so is not seen here.
package keymaker.no_admin_mapping

import rego.v1

deny contains message if {
	some change in input.resource_changes
	change.type == "neo4j_oidc_provider"
	some group, roles in change.change.after.group_to_role
	some role in as_list(roles)
	lower(role) == "admin"
	message := sprintf("%s maps group %q to the role admin", [change.address, group])
}

deny contains message if {
	some change in input.resource_changes
	change.type == "neo4j_oidc_provider"
	unknown := object.get(change.change.after_unknown, "group_to_role", false)
	not unknown in [false, {}]
	message := sprintf("%s has a group mapping that is not known before apply", [change.address])
}

# The role admin may also come to an account by what the plan does elsewhere: by a group in a profile, or by a role that gets a privilege.
deny contains message if {
	some change in input.keymaker.access
	some node in change.gains
	node.kind == "role"
	lower(node.name) == "admin"
	message := sprintf("the plan gives %s the role admin", [change.account])
}

as_list(roles) := roles if is_array(roles)

as_list(roles) := [roles] if is_string(roles)
