package aponotest

import (
	"cmp"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
)

// checkFilled rejects values whose filled fields are empty.
func (s *schema) checkFilled(path string, value any) *problem {
	switch value := value.(type) {
	case object:
		for _, name := range slices.Sorted(maps.Keys(value)) {
			f := s.fields[name]
			if f.schema == nil {
				continue
			}
			at := strings.TrimPrefix(path+"."+name, ".")
			if f.filled {
				if err := notEmpty(at, value[name]); err != nil {
					return err
				}
			}
			if err := f.checkFilled(at, value[name]); err != nil {
				return err
			}
		}
	case []any:
		for i, element := range value {
			if err := s.elementSchema().checkFilled(fmt.Sprintf("%s[%d]", path, i), element); err != nil {
				return err
			}
		}
	}
	return nil
}

func notEmpty(path string, value any) *problem {
	list, _ := value.([]any)
	if value == "" || list != nil && len(list) == 0 {
		return badRequest(path, "must not be empty")
	}
	for i, element := range list {
		if element == "" {
			return badRequest(fmt.Sprintf("%s[%d]", path, i), "must not be empty")
		}
	}
	return nil
}

// badRequest returns a problem with status 400, for requests of the right form.
func badRequest(field, format string, args ...any) *problem {
	return &problem{http.StatusBadRequest, field, fmt.Sprintf(format, args...)}
}

// validateFlow rejects conditions on users and groups that do not exist.
func (s *Server) validateFlow(body object) *problem {
	for _, path := range []string{"requestors", "request_for.grantees"} {
		if err := s.validateConditions(path+".conditions", member(body, path+".conditions")); err != nil {
			return err
		}
	}
	for _, policy := range []string{"approver_policy", "escalation_policy"} {
		groups, _ := member(body, policy+".approver_groups").([]any)
		for i, group := range groups {
			path := fmt.Sprintf("%s.approver_groups[%d].approvers", policy, i)
			if err := s.validateConditions(path, member(group, "approvers")); err != nil {
				return err
			}
		}
	}
	return nil
}

func (s *Server) validateConditions(path string, conditions any) *problem {
	list, _ := conditions.([]any)
	for i, condition := range list {
		switch member(condition, "match_operator") {
		case nil, "is", "is_not": // other operators match parts of names
			if err := s.checkIdentities(fmt.Sprintf("%s[%d].values", path, i), member(condition, "type"), member(condition, "values")); err != nil {
				return err
			}
		}
	}
	return nil
}

// checkIdentities rejects users and groups that do not exist. Users are given by ID or
// e-mail address, groups by ID or source ID. Other kinds of identities are accepted.
func (s *Server) checkIdentities(path string, kind, values any) *problem {
	list, _ := values.([]any)
	for i, value := range list {
		id, _ := value.(string)
		known := true
		switch kind {
		case aUser:
			known = s.userByIDOrEmail(id) != nil
		case aGroup:
			known = s.store.find(Groups, func(o object) bool { return o["id"] == id || o["source_id"] == id }) != nil
		}
		if !known {
			return badRequest(fmt.Sprintf("%s[%d]", path, i), "%s %q not found", kind, id)
		}
	}
	return nil
}

// checkPermitted rejects a request for a bundle or for entitlements if there are access
// flows for it and all of them forbid it. A request without any flow is accepted,
// because the server does not know all rules.
func (s *Server) checkPermitted(body object, bundle any, entitlements []object) *problem {
	if s.looseChecks {
		return nil
	}
	var first *problem
	for _, e := range s.store.objects[AccessFlows] {
		if e.object["active"] != true || e.object["trigger"] == "AUTOMATIC" || e.object["requestor_identity_type"] == "AGENT" ||
			!s.grants(e.object, bundle, entitlements) {
			continue
		}
		found := flowProblem(e.object, body)
		if found == nil {
			return nil
		}
		first = cmp.Or(first, found)
	}
	return first
}

// flowProblem returns the reason why a flow forbids a request, or nil.
func flowProblem(flow, body object) *problem {
	if justification, _ := body["justification"].(string); member(flow, "settings.justification_required") == true && strings.TrimSpace(justification) == "" {
		return badRequest("justification", "required by the access flow %q", flow["name"])
	}
	seconds, errAsked := number(body["duration_in_sec"])
	if minutes, err := number(flow["grant_duration_in_min"]); err == nil && errAsked == nil && seconds > minutes*60 {
		return badRequest("duration_in_sec", "the access flow %q allows at most %d", flow["name"], minutes*60)
	}
	return nil
}

// grants reports whether the targets of a flow include a bundle, or all entitlements if
// bundle is nil. Access scopes and queries are not evaluated.
func (s *Server) grants(flow object, bundle any, entitlements []object) bool {
	targets, _ := flow["access_targets"].([]any)
	if bundle != nil {
		return slices.ContainsFunc(targets, func(target any) bool { return member(target, "bundle.bundle_id") == bundle })
	}
	for _, entitlement := range entitlements {
		if !slices.ContainsFunc(targets, func(target any) bool {
			id, _ := member(target, "bundle.bundle_id").(string)
			inBundle, _ := member(s.store.get(Bundles, id), "access_targets").([]any)
			return s.covers(member(target, "integration"), entitlement) ||
				slices.ContainsFunc(inBundle, func(part any) bool { return s.covers(member(part, "integration"), entitlement) })
		}) {
			return false
		}
	}
	return len(entitlements) > 0
}

func (s *Server) validateIntegration(body object) *problem {
	if err := s.checkConnector("connector_id", body["connector_id"]); err != nil {
		return err
	}
	return s.checkIdentities("owner.attribute_value", member(body, "owner.attribute_type"), member(body, "owner.attribute_value"))
}

// checkConnector rejects a connector that does not exist. An empty ID means none.
func (s *Server) checkConnector(field string, id any) *problem {
	name, _ := id.(string)
	if name != "" && s.store.get(Connectors, name) == nil {
		return badRequest(field, "connector %q not found", name)
	}
	return nil
}

func (s *Server) validateFlowV1(body object) *problem {
	for _, name := range []string{"grantees", "approvers"} {
		list, _ := body[name].([]any)
		for i, identity := range list {
			kind, _ := member(identity, "type").(string)
			if err := s.checkIdentities(fmt.Sprintf("%s[%d].id", name, i), strings.ToLower(kind), []any{member(identity, "id")}); err != nil {
				err.field = strings.TrimSuffix(err.field, "[0]")
				return err
			}
		}
	}
	return nil
}

// mayContain reports whether an entitlement can be part of a bundle. Access scopes and
// queries may contain any entitlement.
func (s *Server) mayContain(bundle, entitlement object) bool {
	targets, _ := bundle["access_targets"].([]any)
	return slices.ContainsFunc(targets, func(target any) bool {
		integration := member(target, "integration")
		return integration == nil || s.covers(integration, entitlement)
	})
}

func checkDuration(body object) *problem {
	if seconds, err := number(body["duration_in_sec"]); err == nil && seconds <= 0 {
		return badRequest("duration_in_sec", "must be positive")
	}
	return nil
}
