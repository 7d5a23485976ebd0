package aponotest

import (
	"fmt"
	"maps"
	"slices"
)

var (
	partialSchema  = objectOf(map[string]field{"id": required(text), "name": required(text)})
	identitySchema = objectOf(map[string]field{"id": required(text), "source_id": required(text)})
	typeSchema     = objectOf(map[string]field{"id": required(text), "label": required(text)})

	accessRequestSchema = objectOf(map[string]field{
		"id": required(text), "status": required(text), "duration_in_sec": optional(int32s), "justification": optional(text),
		"creation_date": required(instant), "revocation_date": optional(instant), "custom_fields": required(textMap),
		"access_groups": required(listOf(objectOf(map[string]field{
			"integration": required(partialSchema), "resource_types": required(listOf(typeSchema)),
		}))),
		"requestor": optional(identitySchema), "grantee": optional(identitySchema), "bundle": optional(partialSchema),
	})
	createAccessRequestSchema = objectOf(map[string]field{
		"bundle_reference": optional(text),
		"entitlements": optional(listOf(objectOf(map[string]field{
			"resource_id": required(text), "permission_id": required(text),
		}))),
		"justification": optional(text), "duration_in_sec": optional(int32s), "custom_fields": required(textMap), "grantee": optional(text),
	})
	requestAgainSchema = objectOf(map[string]field{"justification": optional(text), "custom_fields": required(textMap)})
	entitlementFields  = objectOf(map[string]field{
		"integration": required(partialSchema),
		"resource": required(objectOf(map[string]field{
			"id": required(text), "source_id": required(text), "type": required(typeSchema), "name": required(text),
		})),
	})
	entitlementSchema = entitlementFields.with(map[string]field{
		"permission": required(objectOf(map[string]field{"name": required(text)})), "status": required(text),
	})

	accessRequestResource = &resource{
		collection: AccessRequests, noun: "access request", schema: accessRequestSchema, nested: []string{"entitlements"},
		filters: []filter{
			{param: "requestor", field: "requestor.id", orField: "requestor.source_id"},
			{param: "statuses", field: "status", many: true},
		},
		complete: func(_ *Server, o object) {
			if o["status"] == nil || o["status"] == "" {
				o["status"] = pending
			}
		},
	}
	entitlementResource = &resource{
		collection: "entitlements", noun: "entitlement", schema: entitlementSchema, keyless: true,
		filters: []filter{
			{param: "integration_ids", field: "integration.id", many: true},
			{param: "resource_types", field: "resource.type.id", many: true},
			{param: "statuses", field: "status", many: true},
		},
	}
)

var accessRequestRoutes = collect(
	accessRequestResource.routes("AccessRequests", "Get"),
	sessionResource.routes("Sessions", "List", "Get"),
	map[string]route{
		"AccessRequests.List": {
			query:  tokenParams.with(filterParams(accessRequestResource.filters)),
			handle: (*Server).listAccessRequests,
		},
		"AccessRequests.Create":       {body: createAccessRequestSchema, handle: (*Server).createAccessRequest},
		"AccessRequests.RequestAgain": {body: requestAgainSchema, handle: (*Server).requestAgain},
		"AccessRequests.Revoke":       {handle: (*Server).revokeAccessRequest},
		"AccessRequests.ListEntitlements": {
			query:  tokenParams.with(filterParams(entitlementResource.filters)),
			handle: (*Server).listEntitlements,
		},
		"DelegatedRequests.List": {
			query:  tokenParams.with(filterParams(delegatedFilters)),
			handle: (*Server).listDelegated,
		},
		"DelegatedRequests.Get": {handle: (*Server).getDelegated},
		"AvailableAccess.ListBundles": {
			query:  tokenParams.with(params{"grantee": one, "name": many}),
			handle: (*Server).listAvailableBundles,
		},
		"AvailableAccess.ListEntitlements": {
			query:  tokenParams.with(filterParams(availableFilters)).with(params{"grantee": one}),
			handle: (*Server).listAvailableEntitlements,
		},
		"Sessions.GetAccessDetails": {handle: (*Server).getAccessDetails},
		"Sessions.ResetCredentials": {handle: (*Server).resetCredentials},
	},
)

// listAccessRequests returns the requests without a grantee; those with one are
// delegated requests. A request with a requestor is another user's, and is returned
// only if the query filters by requestor.
func (s *Server) listAccessRequests(req *request) (any, *problem) {
	asked := req.query
	if token, ok := parseToken(asked.Get("page_token")); ok {
		asked = token.Filters
	}
	return s.pageOf(AccessRequests, s.store.where(AccessRequests, func(o object) bool {
		return o["grantee"] == nil && (o["requestor"] == nil || asked.Has("requestor"))
	}), req, accessRequestResource.filters)
}

// createAccessRequest creates one access request for a bundle, or one for each
// integration of the entitlements.
func (s *Server) createAccessRequest(req *request) (any, *problem) {
	reference, forBundle := req.body["bundle_reference"].(string)
	entitlements, _ := req.body["entitlements"].([]any)
	if !forBundle && len(entitlements) == 0 {
		return nil, badRequest("bundle_reference", "one of bundle_reference and entitlements must be given")
	}
	if err := checkDuration(req.body); err != nil {
		return nil, err
	}
	base := object{"custom_fields": req.body["custom_fields"]}
	copyMembers(base, req.body, map[string]string{"justification": "justification", "duration_in_sec": "duration_in_sec"})
	if grantee, ok := req.body["grantee"].(string); ok {
		user := s.userByIDOrEmail(grantee)
		if user == nil {
			return nil, badRequest("grantee", "user %q not found", grantee)
		}
		base["grantee"] = object{"id": user["id"], "source_id": user["email"]}
	}
	var bundle object
	if forBundle {
		if bundle = s.store.refer(Bundles, reference); bundle == nil {
			return nil, badRequest("bundle_reference", "bundle %q not found", reference)
		}
		base["bundle"] = object{"id": bundle["id"], "name": bundle["name"]}
		if err := s.checkPermitted(req.body, bundle["id"], nil); err != nil {
			return nil, err
		}
		if len(entitlements) == 0 {
			return []any{s.addRequest(base, s.contents(bundle))}, nil
		}
	}
	var order []any
	groups := map[any][]object{}
	available := s.available()
	var all []object
	for i, wanted := range entitlements {
		found := find(available, func(e object) bool {
			return member(e, "resource.id") == member(wanted, "resource_id") && member(e, "permission.id") == member(wanted, "permission_id")
		})
		if found == nil {
			return nil, badRequest(fmt.Sprintf("entitlements[%d]", i), "no resource with this permission")
		}
		if forBundle && !s.looseChecks && !s.mayContain(bundle, found) {
			return nil, badRequest(fmt.Sprintf("entitlements[%d]", i), "not part of the bundle %q", bundle["name"])
		}
		all = append(all, found)
		integration := member(found, "integration.id")
		if groups[integration] == nil {
			order = append(order, integration)
		}
		groups[integration] = append(groups[integration], found)
	}
	if !forBundle {
		if err := s.checkPermitted(req.body, nil, all); err != nil {
			return nil, err
		}
	}
	requests := []any{}
	for _, integration := range order {
		requests = append(requests, s.addRequest(maps.Clone(base), groups[integration]))
	}
	return requests, nil
}

// contents returns the available entitlements that the integration targets of a bundle
// include.
func (s *Server) contents(bundle object) []object {
	var contents []object
	targets, _ := bundle["access_targets"].([]any)
	for _, e := range s.available() {
		if slices.ContainsFunc(targets, func(target any) bool { return s.covers(member(target, "integration"), e.object) }) {
			contents = append(contents, e.object)
		}
	}
	return contents
}

// covers reports whether an integration target includes an entitlement.
func (s *Server) covers(target any, entitlement object) bool {
	permissions, _ := member(target, "permissions").([]any)
	return member(entitlement, "integration.id") == member(target, "integration_id") &&
		member(entitlement, "resource.type.id") == member(target, "resource_type") &&
		slices.Contains(permissions, member(entitlement, "permission.name")) &&
		s.inScopes(entitlement["resource"], member(target, "resources_scopes"))
}

// inScopes reports whether a resource matches all scopes of a target.
func (s *Server) inScopes(resource, scopes any) bool {
	id, _ := member(resource, "id").(string)
	list, _ := scopes.([]any)
	for _, scope := range list {
		key, _ := member(scope, "key").(string)
		actual := map[any]any{"APONO_ID": id, "NAME": member(resource, "name"), "TAG": s.store.tags[id][key]}[member(scope, "type")]
		values, _ := member(scope, "values").([]any)
		if slices.Contains(values, actual) != (member(scope, "scope_mode") == "include_resources") {
			return false
		}
	}
	return true
}

// addRequest adds an access request and its entitlements.
func (s *Server) addRequest(o object, entitlements []object) object {
	id := s.store.newID()
	o["id"] = id
	accessRequestResource.finish(s, o)
	groups := []any{}
	for _, e := range entitlements {
		groups = grouped(groups, e["integration"], member(e, "resource.type"))
		s.store.put(EntitlementsOf(id), object{
			"integration": e["integration"], "resource": e["resource"], "status": o["status"],
			"permission": object{"name": member(e, "permission.name")},
		})
	}
	o["access_groups"] = groups
	s.begin(o)
	return o
}

// begin stores a new access request and schedules its approval.
func (s *Server) begin(o object) {
	id, _ := o["id"].(string)
	s.store.put(AccessRequests, o)
	s.recordRequest(o)
	s.announceRequest(createdEvent, id)
	if s.autoApproves {
		s.later(s.approval, func() {
			if s.hasStatus(id, pending) {
				s.approve(id)
			}
		})
	}
}

// grouped returns access groups with a resource type added to its integration's group.
func grouped(groups []any, integration, resourceType any) []any {
	for _, group := range groups {
		if member(group, "integration.id") != member(integration, "id") {
			continue
		}
		types, _ := member(group, "resource_types").([]any)
		if !slices.ContainsFunc(types, func(t any) bool { return member(t, "id") == member(resourceType, "id") }) {
			group.(object)["resource_types"] = append(types, resourceType) //nolint:forcetypeassert // groups are objects
		}
		return groups
	}
	return append(groups, object{"integration": integration, "resource_types": []any{resourceType}})
}

func (s *Server) requestAgain(req *request) (any, *problem) {
	old, err := accessRequestResource.find(s, req)
	if err != nil {
		return nil, err
	}
	var entitlements []object
	for _, e := range s.store.objects[EntitlementsOf(req.args[0])] {
		entitlements = append(entitlements, e.object)
	}
	asked := maps.Clone(req.body)
	copyMembers(asked, old, map[string]string{"duration_in_sec": "duration_in_sec"})
	if err := s.checkPermitted(asked, member(old, "bundle.id"), entitlements); err != nil {
		return nil, err
	}
	again := maps.Clone(old)
	for _, name := range []string{"id", "status", "creation_date", "revocation_date", "justification", "requestor"} {
		delete(again, name)
	}
	maps.Copy(again, req.body)
	id := s.store.newID()
	again["id"] = id
	accessRequestResource.finish(s, again)
	for _, e := range entitlements {
		entitlement := maps.Clone(e)
		entitlement["status"] = again["status"]
		s.store.put(EntitlementsOf(id), entitlement)
	}
	s.begin(again)
	return []any{s.render(again)}, nil
}

func (s *Server) revokeAccessRequest(req *request) (any, *problem) {
	if _, err := accessRequestResource.find(s, req); err != nil {
		return nil, err
	}
	s.revoke(req.args[0], revokedEvent)
	return object{"message": "The access request is being revoked"}, nil
}

func (s *Server) listEntitlements(req *request) (any, *problem) {
	if _, err := accessRequestResource.find(s, req); err != nil {
		return nil, err
	}
	return s.page(EntitlementsOf(req.args[0]), req, entitlementResource.filters)
}
