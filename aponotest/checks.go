package aponotest

import (
	"cmp"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
)

// sense says which text or list of a value that has the right form is empty and
// must not be.
func (s *schema) sense(path string, value any) *problem {
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
			if err := f.sense(at, value[name]); err != nil {
				return err
			}
		}
	case []any:
		for i, element := range value {
			if err := s.elementSchema().sense(fmt.Sprintf("%s[%d]", path, i), element); err != nil {
				return err
			}
		}
	}
	return nil
}

func notEmpty(path string, value any) *problem {
	list, _ := value.([]any)
	if value == "" || list != nil && len(list) == 0 {
		return senseless(path, "it must not be empty")
	}
	for i, element := range list {
		if element == "" {
			return senseless(fmt.Sprintf("%s[%d]", path, i), "it must not be empty")
		}
	}
	return nil
}

// senseless is a problem of a request that is well formed.
func senseless(field, format string, args ...any) *problem {
	return &problem{http.StatusBadRequest, field, fmt.Sprintf(format, args...)}
}

// flowMakesSense finds conditions on users and groups that are not there.
func (s *Server) flowMakesSense(body object) *problem {
	for _, path := range []string{"requestors", "request_for.grantees"} {
		if err := s.conditionsMakeSense(path+".conditions", member(body, path+".conditions")); err != nil {
			return err
		}
	}
	for _, policy := range []string{"approver_policy", "escalation_policy"} {
		groups, _ := member(body, policy+".approver_groups").([]any)
		for i, group := range groups {
			path := fmt.Sprintf("%s.approver_groups[%d].approvers", policy, i)
			if err := s.conditionsMakeSense(path, member(group, "approvers")); err != nil {
				return err
			}
		}
	}
	return nil
}

func (s *Server) conditionsMakeSense(path string, conditions any) *problem {
	list, _ := conditions.([]any)
	for i, condition := range list {
		switch member(condition, "match_operator") {
		case nil, "is", "is_not": // the others compare with a part of a name
			if err := s.knowsIdentities(fmt.Sprintf("%s[%d].values", path, i), member(condition, "type"), member(condition, "values")); err != nil {
				return err
			}
		}
	}
	return nil
}

// knowsIdentities finds users and groups that are not there. Users are named by
// id or e-mail, groups by id or the id of their source. Of other kinds of
// identities the server cannot know all.
func (s *Server) knowsIdentities(path string, kind, values any) *problem {
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
			return senseless(fmt.Sprintf("%s[%d]", path, i), "there is no %s %q", kind, id)
		}
	}
	return nil
}

// permitted says why no access flow permits a request for a bundle or for
// entitlements. What no flow of the server is about is permitted: who may request
// it is decided by more than the server knows.
func (s *Server) permitted(body object, bundle any, entitlements []object) *problem {
	if s.looseChecks {
		return nil
	}
	var objection *problem
	for _, e := range s.store.objects[AccessFlows] {
		if e.object["active"] != true || e.object["trigger"] == "AUTOMATIC" || e.object["requestor_identity_type"] == "AGENT" ||
			!s.grants(e.object, bundle, entitlements) {
			continue
		}
		found := objectionOf(e.object, body)
		if found == nil {
			return nil
		}
		objection = cmp.Or(objection, found)
	}
	return objection
}

func objectionOf(flow, body object) *problem {
	if justification, _ := body["justification"].(string); member(flow, "settings.justification_required") == true && strings.TrimSpace(justification) == "" {
		return senseless("justification", "the access flow %q requires one", flow["name"])
	}
	seconds, errAsked := number(body["duration_in_sec"])
	if minutes, err := number(flow["grant_duration_in_min"]); err == nil && errAsked == nil && seconds > minutes*60 {
		return senseless("duration_in_sec", "the access flow %q permits at most %d", flow["name"], minutes*60)
	}
	return nil
}

// grants reports whether a flow is about a bundle, or about all of some
// entitlements. Access scopes and queries are not evaluated.
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

func (s *Server) integrationMakesSense(body object) *problem {
	if err := s.knowsConnector("connector_id", body["connector_id"]); err != nil {
		return err
	}
	return s.knowsIdentities("owner.attribute_value", member(body, "owner.attribute_type"), member(body, "owner.attribute_value"))
}

// knowsConnector accepts an empty id, which stands for no connector.
func (s *Server) knowsConnector(field string, id any) *problem {
	name, _ := id.(string)
	if name != "" && s.store.get(Connectors, name) == nil {
		return senseless(field, "there is no connector %q", name)
	}
	return nil
}

func (s *Server) flowV1MakesSense(body object) *problem {
	for _, name := range []string{"grantees", "approvers"} {
		list, _ := body[name].([]any)
		for i, identity := range list {
			kind, _ := member(identity, "type").(string)
			if err := s.knowsIdentities(fmt.Sprintf("%s[%d].id", name, i), strings.ToLower(kind), []any{member(identity, "id")}); err != nil {
				err.field = strings.TrimSuffix(err.field, "[0]")
				return err
			}
		}
	}
	return nil
}

// mayContain reports whether an entitlement can be part of a bundle. What the
// access scopes and queries among its targets stand for is not known.
func (s *Server) mayContain(bundle, entitlement object) bool {
	targets, _ := bundle["access_targets"].([]any)
	return slices.ContainsFunc(targets, func(target any) bool {
		integration := member(target, "integration")
		return integration == nil || s.covers(integration, entitlement)
	})
}

func checkDuration(body object) *problem {
	if seconds, err := number(body["duration_in_sec"]); err == nil && seconds <= 0 {
		return senseless("duration_in_sec", "it must be above 0")
	}
	return nil
}
