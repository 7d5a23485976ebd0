package aponotest

import (
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"time"
)

// Tags of version 1 that select by the ID or name of a resource.
var scopeTypes = map[string]string{"__id": "APONO_ID", "__name": "NAME"}

// targetsV1 converts the targets of a flow or bundle to version 1.
func targetsV1(o object) (integrations, bundles []any) {
	integrations, bundles = []any{}, []any{}
	targets, _ := o["access_targets"].([]any)
	for _, target := range targets {
		if id := member(target, "bundle.bundle_id"); id != nil {
			bundles = append(bundles, object{"bundle_id": id})
		}
		integration, ok := member(target, "integration").(object)
		if !ok {
			continue
		}
		tags := map[string][]any{"include_resources": {}, "exclude_resources": {}}
		scopes, _ := integration["resources_scopes"].([]any)
		for _, scope := range scopes {
			mode, _ := member(scope, "scope_mode").(string)
			name := member(scope, "key")
			for tag, scopeType := range scopeTypes {
				if member(scope, "type") == scopeType {
					name = tag
				}
			}
			values, _ := member(scope, "values").([]any)
			for _, value := range values {
				tags[mode] = append(tags[mode], object{"name": name, "value": value})
			}
		}
		integrations = append(integrations, object{
			"integration_id": integration["integration_id"], "resource_type": integration["resource_type"],
			"permissions":           integration["permissions"],
			"resource_tag_includes": tags["include_resources"], "resource_tag_excludes": tags["exclude_resources"],
		})
	}
	return integrations, bundles
}

// targetsFromV1 converts targets from version 1.
func targetsFromV1(integrations, bundles any) []any {
	targets := []any{}
	list, _ := integrations.([]any)
	for _, target := range list {
		var scopes []any
		for _, mode := range []string{"include", "exclude"} {
			tags, _ := member(target, "resource_tag_"+mode+"s").([]any)
			for _, tag := range tags {
				name, _ := member(tag, "name").(string)
				scope := object{"scope_mode": mode + "_resources", "type": "TAG", "key": name, "values": []any{member(tag, "value")}}
				if scopeType, special := scopeTypes[name]; special {
					scope["type"] = scopeType
					delete(scope, "key")
				}
				scopes = append(scopes, scope)
			}
		}
		integration := object{
			"integration_reference": member(target, "integration_id"), "resource_type": member(target, "resource_type"),
			"permissions": member(target, "permissions"),
		}
		if scopes != nil {
			integration["resources_scopes"] = scopes
		}
		targets = append(targets, object{"integration": integration})
	}
	list, _ = bundles.([]any)
	for _, target := range list {
		targets = append(targets, object{"bundle": object{"bundle_reference": member(target, "bundle_id")}})
	}
	return targets
}

// checkTargetsV1 rejects targets that do not exist. Version 1 refers to them by ID.
func (s *Server) checkTargetsV1(body object) *problem {
	for _, kind := range []struct {
		list, field string
		c           Collection
	}{{"integration_targets", "integration_id", Integrations}, {"bundle_targets", "bundle_id", Bundles}} {
		targets, _ := body[kind.list].([]any)
		for i, target := range targets {
			id, _ := member(target, kind.field).(string)
			if s.store.get(kind.c, id) == nil {
				return badRequest(fmt.Sprintf("%s[%d].%s", kind.list, i, kind.field), "%s %q not found", resources[kind.c.kind()].noun, id)
			}
		}
	}
	return nil
}

// changesV1 returns the fields of a body that differ from what version 1 shows. Writing
// only those keeps what version 1 cannot express.
func changesV1(shown, body object) object {
	changes := maps.Clone(body)
	maps.DeleteFunc(changes, func(name string, value any) bool { return reflect.DeepEqual(shown[name], value) })
	return changes
}

// keptTargets returns the targets of the given kinds.
func keptTargets(o object, kinds ...string) []any {
	targets, _ := o["access_targets"].([]any)
	return slices.DeleteFunc(slices.Clone(targets), func(target any) bool {
		return !slices.ContainsFunc(kinds, func(kind string) bool { return member(target, kind) != nil })
	})
}

// flowPartsV1 groups the fields of a version 1 flow that map to one part of a flow.
var flowPartsV1 = [][]string{
	{"trigger"}, {"grantees"}, {"integration_targets", "bundle_targets"}, {"revoke_after_in_sec"}, {"settings", "approvers"},
}

// flowV1 converts a flow to version 1. A part that was written through version 1 and
// has not changed since is returned as it was written.
func (s *Server) flowV1(o object) object {
	id, _ := o["id"].(string)
	v1 := flowToV1(o)
	if written := s.store.flowsV1[id]; written != nil {
		for _, names := range flowPartsV1 {
			part := maps.Clone(written)
			maps.DeleteFunc(part, func(name string, _ any) bool { return !slices.Contains(names, name) })
			if s.matchesV1(o, part, slices.Contains(names, "settings")) {
				maps.DeleteFunc(v1, func(name string, _ any) bool { return slices.Contains(names, name) })
				maps.Copy(v1, part)
			}
		}
	}
	v1["id"] = id
	if seconds, ok := legacyInstant(o[creationDate]); ok {
		v1["created_date"] = seconds
	}
	return v1
}

// matchesV1 reports whether writing a part of a version 1 body would leave a flow
// unchanged. Settings that the part lacks are false.
func (s *Server) matchesV1(o, part object, withSettings bool) bool {
	whole := maps.Clone(part)
	if withSettings {
		switches := object{}
		for name := range switchesV1 {
			switches[name] = false
		}
		given, _ := part["settings"].(object)
		maps.Copy(switches, given)
		whole["settings"] = switches
		if whole["approvers"] == nil {
			whole["approvers"] = []any{}
		}
	}
	same := s.render(o)
	applyFlowV1(same, whole, whole)
	if err := s.resolve("", same); err != nil {
		return false
	}
	return reflect.DeepEqual(s.render(same), o)
}

// writeFlowV1 applies a version 1 body to a flow, which is new if it has no name.
func (s *Server) writeFlowV1(o, body object) *problem {
	id, _ := o["id"].(string)
	whole := maps.Clone(body)
	changes := whole
	if o["name"] != nil {
		whole = s.flowV1(o)
		changes = changesV1(whole, body)
		shown, _ := whole["settings"].(object)
		maps.Copy(whole, changes)
		if given, ok := changes["settings"].(object); ok {
			changes["settings"] = changesV1(shown, given)
			switches := object{}
			maps.Copy(switches, shown)
			maps.Copy(switches, given)
			whole["settings"] = switches
		}
	} else {
		for _, name := range []string{"integration_targets", "bundle_targets"} {
			if whole[name] == nil {
				whole[name] = []any{}
			}
		}
		o["access_targets"] = []any{}
		o["settings"] = object{
			"justification_required": false, "require_approver_reason": false, "requestor_cannot_approve_himself": false,
			"require_mfa": false, "labels": []any{},
		}
	}
	if err := s.checkTargetsV1(changes); err != nil {
		return err
	}
	applyFlowV1(o, changes, whole)
	_, integrations := changes["integration_targets"]
	_, bundles := changes["bundle_targets"]
	if targets, _ := o["access_targets"].([]any); len(targets) == 0 && (integrations || bundles) && !s.looseChecks {
		return badRequest("integration_targets", "an access flow needs a target")
	}
	s.store.flowsV1[id] = whole
	return nil
}

var (
	triggersV1 = map[any]string{"user_request": "SELF_SERVE", "automatic": "AUTOMATIC"}
	switchesV1 = map[string]string{
		"require_justification_on_request_again": "justification_required",
		"require_approver_justification":         "require_approver_reason",
		"approver_cannot_approve_himself":        "requestor_cannot_approve_himself",
	}
)

// applyFlowV1 applies changes in the form of version 1 to a flow. whole is the complete
// flow after the changes.
func applyFlowV1(o, changes, whole object) {
	copyMembers(o, changes, map[string]string{"name": "name", "active": "active"})
	if trigger, ok := changes["trigger"]; ok {
		o["trigger"] = triggersV1[member(trigger, "type")]
		delete(o, "timeframe")
		if frame, ok := member(trigger, "timeframe").(object); ok {
			o["timeframe"] = object{
				"start_time": clock(frame["start_of_day_time_in_seconds"]), "end_time": clock(frame["end_of_day_time_in_seconds"]),
				"days_of_week": frame["days_in_week"], "time_zone": frame["time_zone"],
			}
		}
	}
	if grantees, ok := changes["grantees"]; ok {
		o["requestors"] = object{"logical_operator": "OR", "conditions": conditionsFromV1(grantees)}
	}
	integrations, bundles := keptTargets(o, "integration"), keptTargets(o, "bundle")
	given, newIntegrations := changes["integration_targets"]
	if newIntegrations {
		integrations = targetsFromV1(given, nil)
	}
	given, newBundles := changes["bundle_targets"]
	if newBundles {
		bundles = targetsFromV1(nil, given)
	}
	if newIntegrations || newBundles {
		o["access_targets"] = slices.Concat(integrations, bundles, keptTargets(o, "access_scope", "query_target"))
	}
	if seconds, err := number(changes["revoke_after_in_sec"]); err == nil {
		delete(o, "grant_duration_in_min")
		if seconds >= 0 {
			o["grant_duration_in_min"] = json.Number(fmt.Sprint((seconds + 59) / 60))
		}
	}
	switches, _ := o["settings"].(object)
	for name, today := range switchesV1 {
		if value, ok := member(changes, "settings."+name).(bool); ok {
			switches[today] = value
		}
	}
	operator := "OR"
	if member(whole, "settings.require_all_approvers") == true {
		operator = "AND"
	}
	if given, ok := changes["approvers"]; ok {
		delete(o, "approver_policy")
		if approvers := conditionsFromV1(given); len(approvers) > 0 {
			o["approver_policy"] = object{
				"approval_mode": "ANY_OF", "approver_groups": []any{object{"logical_operator": operator, "approvers": approvers}},
			}
		}
	}
	if _, ok := member(changes, "settings.require_all_approvers").(bool); ok {
		groups, _ := member(o, "approver_policy.approver_groups").([]any)
		for _, group := range groups {
			group.(object)["logical_operator"] = operator //nolint:forcetypeassert // the schema has checked it
		}
	}
}

// flowToV1 converts a flow to the nearest flow of version 1.
func flowToV1(o object) object {
	integrations, bundles := targetsV1(o)
	trigger := object{"type": "user_request"}
	if o["trigger"] == "AUTOMATIC" {
		trigger["type"] = "automatic"
	}
	if frame, ok := o["timeframe"].(object); ok {
		trigger["timeframe"] = object{
			"start_of_day_time_in_seconds": secondsOfDay(frame["start_time"]), "end_of_day_time_in_seconds": secondsOfDay(frame["end_time"]),
			"days_in_week": frame["days_of_week"], "time_zone": frame["time_zone"],
		}
	}
	v1 := object{
		"name": o["name"], "active": o["active"], "trigger": trigger, "revoke_after_in_sec": json.Number("-1"),
		"grantees": conditionsToV1(member(o, "requestors.conditions")), "integration_targets": integrations, "bundle_targets": bundles,
	}
	if minutes, err := number(o["grant_duration_in_min"]); err == nil {
		v1["revoke_after_in_sec"] = json.Number(fmt.Sprint(minutes * 60))
	}
	switches := object{}
	for name, today := range switchesV1 {
		switches[name] = member(o, "settings."+today)
	}
	approvers := []any{}
	groups, _ := member(o, "approver_policy.approver_groups").([]any)
	for _, group := range groups {
		switches["require_all_approvers"] = member(group, "logical_operator") == "AND"
		approvers = append(approvers, conditionsToV1(member(group, "approvers"))...)
	}
	if len(approvers) > 0 {
		v1["approvers"] = approvers
	}
	v1["settings"] = switches
	return v1
}

func conditionsFromV1(identities any) []any {
	conditions := []any{}
	list, _ := identities.([]any)
	for _, identity := range list {
		conditions = append(conditions, object{"type": member(identity, "type"), "match_operator": "is", "values": []any{member(identity, "id")}})
	}
	return conditions
}

func conditionsToV1(conditions any) []any {
	identities := []any{}
	list, _ := conditions.([]any)
	for _, condition := range list {
		values, _ := member(condition, "values").([]any)
		for _, id := range values {
			identities = append(identities, object{"id": id, "type": member(condition, "type")})
		}
	}
	return identities
}

// clock returns a number of seconds after midnight as hours and minutes.
func clock(seconds any) string {
	n, err := number(seconds)
	if err != nil {
		return ""
	}
	return fmt.Sprintf("%02d:%02d", n/3600, n/60%60)
}

func secondsOfDay(clock any) json.Number {
	text, _ := clock.(string)
	t, err := time.Parse("15:04", text)
	if text == "24:00" {
		return "86400"
	}
	if err != nil {
		return "0"
	}
	return json.Number(fmt.Sprint(t.Hour()*3600 + t.Minute()*60))
}

var (
	identitiesV1    = listOf(objectOf(map[string]field{"id": required(text), "type": required(text)}))
	bundleTargetsV1 = listOf(objectOf(map[string]field{"bundle_id": required(text)}))
	createFlowV1    = objectOf(map[string]field{
		"name": required(text), "active": required(boolean), "revoke_after_in_sec": required(int32s),
		"trigger": required(objectOf(map[string]field{
			"type": required(oneText("user_request", "automatic")),
			"timeframe": optional(objectOf(map[string]field{
				"start_of_day_time_in_seconds": required(int64s), "end_of_day_time_in_seconds": required(int64s),
				"days_in_week": required(listOf(weekday)), "time_zone": required(text),
			})),
		})),
		"grantees": required(identitiesV1), "approvers": optional(identitiesV1),
		"integration_targets": optional(listOf(targetV1Schema)), "bundle_targets": optional(bundleTargetsV1),
		"settings": optional(objectOf(map[string]field{
			"require_justification_on_request_again": optional(boolean), "require_all_approvers": optional(boolean),
			"require_approver_justification": optional(boolean), "approver_cannot_approve_himself": optional(boolean),
		})),
	})
	updateFlowV1 = createFlowV1.allOptional()
)

var (
	flowV1View = &legacyView{
		of: accessFlowResource, show: (*Server).flowV1, write: (*Server).writeFlowV1, validate: (*Server).validateFlowV1,
		message: "The access flow was deleted", create: createFlowV1, update: updateFlowV1,
	}
)
