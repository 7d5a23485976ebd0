package aponotest

import "encoding/json"

// Schemas of access flows and their parts.
var (
	conditionFields = objectOf(map[string]field{
		"type": required(text), "match_operator": optional(text), "values": optional(texts),
	})
	resourcesScopesSchema = listOf(objectOf(map[string]field{
		"scope_mode": required(text), "type": required(text), "key": optional(text), "values": required(texts),
	}))
	integrationTargetFields = objectOf(map[string]field{
		"resource_type": required(text), "permissions": required(texts), "resources_scopes": optional(resourcesScopesSchema),
	})
	weekday         = oneText("MONDAY", "TUESDAY", "WEDNESDAY", "THURSDAY", "FRIDAY", "SATURDAY", "SUNDAY")
	timeframeSchema = objectOf(map[string]field{
		"start_time": required(text), "end_time": required(text), "days_of_week": required(listOf(weekday)), "time_zone": required(text),
	})
	settingsSchema = objectOf(map[string]field{
		"justification_required": required(boolean), "require_approver_reason": required(boolean),
		"requestor_cannot_approve_himself": required(boolean), "require_mfa": required(boolean), "labels": maybeEmpty(texts),
		"max_extensions": optional(int32s), "extension_duration_in_min": optional(int32s),
	})

	accessFlowSchema = accessFlowForm(conditionFields.with(sourceRead), targetsRead, required(int32s)).with(map[string]field{
		"id": required(text), "creation_date": required(instant), "update_date": optional(instant),
		"space": added(optional(spaceReferenceSchema)),
	})
	writeAccessFlowSchema = accessFlowForm(conditionFields.with(sourceWrite), targetsWrite, relaxed(int32s)).with(map[string]field{
		"request_for_others": required(boolean),
		// Released Terraform providers do not send it.
		"requestor_identity_type": added(optional(oneText("HUMAN", "AGENT"))),
	})
)

// Targets of flows and bundles in responses (read) and in request bodies (write).
var (
	targetsRead = map[string]field{
		"integration":  optional(integrationTargetFields.with(named("integration"))),
		"bundle":       optional(objectOf(named("bundle"))),
		"access_scope": optional(objectOf(named("access_scope"))),
		"query_target": added(optional(queryTargetSchema)),
	}
	targetsWrite = map[string]field{
		"integration":  optional(integrationTargetFields.with(map[string]field{"integration_reference": required(text)})),
		"bundle":       optional(objectOf(map[string]field{"bundle_reference": required(text)})),
		"access_scope": optional(objectOf(map[string]field{"access_scope_reference": required(text)})),
		"query_target": added(optional(queryTargetSchema)),
	}
)

// named returns the fields for the ID and name of a target in responses.
func named(target string) map[string]field {
	return map[string]field{target + "_id": required(text), target + "_name": required(text)}
}

func only(fields map[string]field, names ...string) map[string]field {
	some := map[string]field{}
	for _, name := range names {
		some[name] = fields[name]
	}
	return some
}

// accessFlowForm returns the part of a flow's schema that responses and request bodies
// share.
func accessFlowForm(condition *schema, targets map[string]field, interval field) *schema {
	conditions := objectOf(map[string]field{"logical_operator": required(text), "conditions": required(listOf(condition))})
	groups := listOf(objectOf(map[string]field{"logical_operator": required(text), "approvers": required(listOf(condition))}))
	return objectOf(map[string]field{
		"name": required(text), "description": optional(text), "active": required(boolean), "trigger": required(text),
		"requestors": required(conditions), "requestor_identity_type": added(required(text)),
		"request_for": optional(objectOf(map[string]field{
			"request_scopes": required(texts), "grantees": optional(conditions),
		})),
		"access_targets": required(listOf(oneOf(targets))),
		"approver_policy": optional(objectOf(map[string]field{
			"approval_mode": required(text), "approver_groups": required(groups),
		})),
		"escalation_policy": optional(objectOf(map[string]field{
			"interval_in_min": interval, "approver_groups": required(groups),
		})),
		"grant_duration_in_min": optional(int32s),
		"timeframe":             optional(timeframeSchema),
		"settings":              required(settingsSchema),
	})
}

var nameFilter = []filter{{param: "name", field: "name", pattern: true}}

var (
	accessFlowResource = &resource{
		collection: AccessFlows, noun: "access flow", schema: accessFlowSchema,
		create: writeAccessFlowSchema, update: writeAccessFlowSchema, writeOnly: []string{"request_for_others"},
		validate: (*Server).validateFlow,
		filters:  []filter{spaceFilter}, spaced: true, complete: (*Server).completeFlow,
	}
)

// defaultInterval is the interval of an escalation policy that was written without one.
// The API does not document its default.
const defaultInterval = json.Number("60")

// completeFlow adds defaults.
func (s *Server) completeFlow(o object) {
	if o["requestor_identity_type"] == nil && !s.withoutSpaces {
		o["requestor_identity_type"] = "HUMAN"
	}
	if policy, ok := o["escalation_policy"].(object); ok && policy["interval_in_min"] == nil {
		policy["interval_in_min"] = defaultInterval
	}
}

var accessFlowRoutes = collect(
	accessFlowResource.routes("AccessFlows", "List", "Get", "Create", "Update", "Delete"),
	bundleResource.routes("Bundles", "List", "Get", "Create", "Update", "Delete"),
	scopeResource.routes("Scopes", "List", "Get", "Create", "Update", "Delete"),
)
