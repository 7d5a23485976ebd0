package aponotest

import (
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"time"
)

// States of version 3 by the states of the newest version.
var statusesV3 = map[string]string{
	"APPROVED": "APPROVED", "GRANTING": "APPROVED", "ACTIVE": "GRANTED", "GRANTED": "GRANTED", "REJECTED": "REJECTED", "FAILED": "FAILED",
	"REVOKING": "REVOKING", "REVOKED": "EXPIRED", "EXPIRED": "EXPIRED",
}

// requestV3 converts an access request to version 3, which has one integration and one
// user. The user ID is empty if the request has neither requestor nor grantee.
func (s *Server) requestV3(o object) object {
	id, _ := o["id"].(string)
	resources, permissions := []any{}, []any{}
	for _, e := range s.store.objects[EntitlementsOf(id)] {
		resources = appendNew(resources, member(e.object, "resource.id"))
		permissions = appendNew(permissions, member(e.object, "permission.name"))
	}
	v3 := object{
		"request_id": id, "friendly_request_id": fmt.Sprintf("AR-%d", s.store.place(AccessRequests, id)), "user_id": "", "status": "PENDING",
		"integration_id": "", "resource_ids": resources, "permissions": permissions, "justification": "",
	}
	status, _ := o["status"].(string)
	if known, ok := statusesV3[strings.ToUpper(status)]; ok {
		v3["status"] = known
	}
	for _, who := range []string{"requestor.id", "grantee.id"} { // the user who gets access
		if user := member(o, who); user != nil {
			v3["user_id"] = user
		}
	}
	if groups, ok := o["access_groups"].([]any); ok && len(groups) > 0 {
		v3["integration_id"] = member(groups[0], "integration.id")
	}
	if justification, ok := o["justification"]; ok {
		v3["justification"] = justification
	}
	return v3
}

func (s *Server) listRequestsV3(req *request) (any, *problem) {
	rows := []any{}
	days, err := number(json.Number(req.query.Get("days_offset")))
	days = min(days, 100*366) // avoids an overflow of time.Duration
	for _, e := range s.store.objects[AccessRequests] {
		row := s.requestV3(e.object)
		created, _ := e.object[creationDate].(string)
		at, timeErr := time.Parse(time.RFC3339Nano, created)
		if err == nil && timeErr == nil && s.present.Sub(at) > time.Duration(days)*24*time.Hour {
			continue
		}
		if user := req.query.Get("user_id"); user == "" || user == row["user_id"] {
			rows = append(rows, row)
		}
	}
	return s.offsetPage(rows, req)
}

func (s *Server) getRequestV3(req *request) (any, *problem) {
	found, err := accessRequestResource.find(s, req)
	if err != nil {
		return nil, err
	}
	return s.requestV3(found), nil
}

func (s *Server) createRequestV3(req *request) (any, *problem) {
	body := req.body
	id, _ := body["user_id"].(string)
	user := s.userByIDOrEmail(id)
	if user == nil {
		return nil, badRequest("user_id", "user %q not found", id)
	}
	integration, _ := body["integration_id"].(string)
	if s.store.get(Integrations, integration) == nil {
		return nil, badRequest("integration_id", "integration %q not found", integration)
	}
	if err := checkDuration(body); err != nil {
		return nil, err
	}
	var wanted []object
	resources, _ := body["resource_ids"].([]any)
	permissions, _ := body["permissions"].([]any)
	if len(resources) == 0 {
		return nil, badRequest("resource_ids", "must not be empty")
	}
	if len(permissions) == 0 {
		return nil, badRequest("permissions", "must not be empty")
	}
	available := s.available()
	for i, resource := range resources {
		if !slices.ContainsFunc(s.store.objects[ResourcesOf(integration)], func(e entry) bool { return e.object["id"] == resource }) {
			return nil, badRequest(fmt.Sprintf("resource_ids[%d]", i), "resource %q not found in this integration", resource)
		}
		for j, permission := range permissions {
			found := find(available, func(e object) bool {
				return member(e, "integration.id") == integration && member(e, "resource.id") == resource && member(e, "permission.name") == permission
			})
			if found == nil {
				return nil, badRequest(fmt.Sprintf("permissions[%d]", j), "permission %q to resource %q not found", permission, resource)
			}
			wanted = append(wanted, found)
		}
	}
	if err := s.checkPermitted(body, nil, wanted); err != nil {
		return nil, err
	}
	base := object{"custom_fields": object{}, "justification": body["justification"], "grantee": object{"id": user["id"], "source_id": user["email"]}}
	copyMembers(base, body, map[string]string{"duration_in_sec": "duration_in_sec"})
	return s.requestV3(s.addRequest(base, wanted)), nil
}

func (s *Server) revokeRequestsV3(req *request) (any, *problem) {
	ids, _ := req.body["request_ids"].([]any)
	for i, id := range ids {
		if s.store.get(AccessRequests, fmt.Sprint(id)) == nil {
			return nil, badRequest(fmt.Sprintf("request_ids[%d]", i), "access request %q not found", id)
		}
	}
	for _, id := range ids {
		if _, err := s.revokeAccessRequest(&request{args: []string{fmt.Sprint(id)}}); err != nil {
			return nil, err
		}
	}
	return object{"message": "The access requests are being revoked"}, nil
}

// sessionOf returns a request for the session of an access request.
func (s *Server) sessionOf(req *request) (*request, *problem) {
	if _, err := accessRequestResource.find(s, req); err != nil {
		return nil, err
	}
	session := s.store.find(Sessions, func(o object) bool { return servesRequest(o, req.args[0]) })
	if session == nil {
		return nil, notFound("access session of request", req.args[0])
	}
	return &request{args: []string{fmt.Sprint(session["id"])}}, nil
}

func (s *Server) getAccessDetailsV3(req *request) (any, *problem) {
	session, err := s.sessionOf(req)
	if err != nil {
		return nil, err
	}
	details, err := s.getAccessDetails(session)
	if err != nil {
		return nil, err
	}
	return object{"details": member(details, "instructions")}, nil
}

func (s *Server) resetCredentialsV3(req *request) (any, *problem) {
	session, err := s.sessionOf(req)
	if err != nil {
		return nil, err
	}
	return s.resetCredentials(session)
}

// selectable returns a route that lists a part of the available entitlements, without
// duplicates. The path may name an integration and a resource type.
func selectable(part func(object) any) route {
	return route{query: offsetParams.with(params{"user_id": one}), handle: func(s *Server, req *request) (any, *problem) {
		entitlements, err := s.selected(req)
		if err != nil {
			return nil, err
		}
		rows := []any{}
		for _, e := range entitlements {
			row := part(e)
			if !slices.ContainsFunc(rows, func(other any) bool { return reflect.DeepEqual(other, row) }) {
				rows = append(rows, row)
			}
		}
		return s.offsetPage(rows, req)
	}}
}

// selected returns the available entitlements of the path.
func (s *Server) selected(req *request) ([]object, *problem) {
	if len(req.args) > 0 && s.store.get(Integrations, req.args[0]) == nil {
		return nil, notFound("integration", req.args[0])
	}
	entitlements := []object{}
	for _, e := range s.available() {
		if len(req.args) > 0 && member(e.object, "integration.id") != req.args[0] ||
			len(req.args) > 1 && member(e.object, "resource.type.id") != req.args[1] {
			continue
		}
		entitlements = append(entitlements, e.object)
	}
	return entitlements, nil
}

// listPermissionNames lists the names of available permissions.
var listPermissionNames = selectable(func(e object) any { return member(e, "permission.name") })

func (s *Server) listSelectablePermissions(req *request) (any, *problem) {
	response, err := listPermissionNames.handle(s, req)
	if page, ok := response.(object); ok {
		page["allow_multiple"] = true
	}
	return response, err
}

var (
	createAccessRequestV3 = objectOf(map[string]field{
		"user_id": required(text), "integration_id": required(text), "resource_ids": required(texts), "permissions": required(texts),
		"justification": required(text), "duration_in_sec": optional(int32s),
	})
	revokeManySchema = objectOf(map[string]field{"request_ids": required(texts)})
)
