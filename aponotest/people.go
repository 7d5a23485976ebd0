package aponotest

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
)

var (
	userSchema = objectOf(map[string]field{
		"id": required(text), "email": required(text), "email_aliases": required(texts),
		"first_name": required(text), "last_name": required(text), "active": required(boolean), "roles": required(texts),
		"attributes": optional(textMap),
	}).with(sourceRead)
	groupSchema = objectOf(map[string]field{
		"id": required(text), "name": required(text), "source_id": optional(text),
	}).with(sourceRead)
	membersSchema   = objectOf(map[string]field{"members_emails": required(texts)})
	memberSchema    = objectOf(map[string]field{"email": required(text)})
	attributeSchema = objectOf(map[string]field{
		"type": required(text), "value": required(text), "source_id": optional(text),
	}).with(sourceRead)

	userResource = &resource{
		collection: Users, noun: "user", schema: userSchema,
		filters: []filter{
			{param: "first_name", field: "first_name", pattern: true},
			{param: "last_name", field: "last_name", pattern: true},
			{param: "role", field: "roles", many: true},
			{param: "source_integration_id", field: "source_integration_id"},
			{param: "source_integration_name", field: "source_integration_name"},
		},
	}
	groupResource = &resource{
		collection: Groups, noun: "group", schema: groupSchema, create: membersSchema.with(map[string]field{"name": required(text)}),
		filters: nameFilter, kept: []string{"source_id", "source_integration_id", "source_integration_name"},
		update: objectOf(map[string]field{"name": required(text)}), nested: []string{"members"},
	}
	memberResource    = &resource{collection: "members", noun: "member", schema: memberSchema, keyedBy: "email"}
	attributeResource = &resource{
		collection: Attributes, noun: "attribute", schema: attributeSchema, keyless: true,
		filters: []filter{
			{param: "search", field: "value", pattern: true},
			{param: "type", field: "type"},
			{param: "source_integration_reference", field: "source_integration_id", orField: "source_integration_name"},
		},
	}
)

var peopleRoutes = collect(
	userResource.routes("Users", "List", "Get"),
	groupResource.routes("Groups", "List", "Get", "Delete"),
	attributeResource.routes("Attributes", "List"),
	map[string]route{
		"Groups.Create":       {body: groupResource.create, handle: (*Server).createGroup},
		"Groups.Rename":       {body: groupResource.update, handle: groupResource.put},
		"Groups.ListMembers":  {query: tokenParams, handle: (*Server).listMembers},
		"Groups.SetMembers":   {body: membersSchema, handle: (*Server).setMembers},
		"Groups.AddMember":    {handle: (*Server).addMember},
		"Groups.RemoveMember": {handle: (*Server).removeMember},

		"Identities.List": {query: offsetParams, handle: (*Server).listIdentities},
		"Identities.ListAttributes": {
			query: params{"emails": many, "limit": count, "skip": count}, handle: (*Server).listIdentityAttributes,
		},
		"Identities.UpsertAttributes": {
			body:   listOf(objectOf(map[string]field{"email": required(text), "attributes": required(textMap)})),
			handle: (*Server).upsertIdentityAttributes,
		},
		"Identities.DeleteAttributes": {
			body:   listOf(objectOf(map[string]field{"email": required(text), "attribute_types": required(texts)})),
			handle: (*Server).deleteIdentityAttributes,
		},
	},
)

func (s *Server) createGroup(req *request) (any, *problem) {
	members := req.body["members_emails"]
	delete(req.body, "members_emails")
	created, err := groupResource.post(s, req)
	if err == nil {
		id, _ := created.(object)["id"].(string)
		s.putMembers(id, members)
	}
	return created, err
}

func (s *Server) listMembers(req *request) (any, *problem) {
	if _, err := groupResource.find(s, req); err != nil {
		return nil, err
	}
	return s.page(MembersOf(req.args[0]), req, nil)
}

func (s *Server) setMembers(req *request) (any, *problem) {
	if _, err := groupResource.find(s, req); err != nil {
		return nil, err
	}
	s.store.clear(MembersOf(req.args[0]))
	s.putMembers(req.args[0], req.body["members_emails"])
	return nil, nil
}

func (s *Server) addMember(req *request) (any, *problem) {
	if _, err := groupResource.find(s, req); err != nil {
		return nil, err
	}
	s.putMembers(req.args[0], []any{req.args[1]})
	return nil, nil
}

func (s *Server) removeMember(req *request) (any, *problem) {
	if _, err := groupResource.find(s, req); err != nil {
		return nil, err
	}
	if !s.store.delete(MembersOf(req.args[0]), req.args[1]) {
		return nil, notFound("member", req.args[1])
	}
	return nil, nil
}

// putMembers adds members; one who is there already is not added again.
func (s *Server) putMembers(group string, emails any) {
	list, _ := emails.([]any)
	for _, email := range list {
		s.store.put(MembersOf(group), object{"email": email})
	}
}

// listIdentities answers users, groups and the values of attributes.
func (s *Server) listIdentities(req *request) (any, *problem) {
	var identities []any
	for _, e := range s.store.objects[Users] {
		identities = append(identities, object{
			"type": "USER", "id": e.object["id"], "name": fmt.Sprintf("%s %s", e.object["first_name"], e.object["last_name"]),
		})
	}
	for _, e := range s.store.objects[Groups] {
		identities = append(identities, object{"type": "GROUP", "id": e.object["id"], "name": e.object["name"]})
	}
	for _, e := range s.store.objects[Attributes] {
		identities = append(identities, object{
			"type": "CONTEXT_ATTRIBUTE", "id": fmt.Sprintf("%s:%s", e.object["type"], e.object["value"]), "name": e.object["value"],
		})
	}
	return s.offsetPage(identities, req)
}

// listIdentityAttributes answers the attributes of users that have any, in the
// pages that the API documents for this list.
func (s *Server) listIdentityAttributes(req *request) (any, *problem) {
	var rows []any
	for _, e := range s.store.objects[Users] {
		email, _ := e.object["email"].(string)
		attributes, _ := e.object["attributes"].(object)
		if wanted, filtered := req.query["emails"]; len(attributes) == 0 || filtered && !slices.Contains(wanted, email) {
			continue
		}
		rows = append(rows, object{"email": email, "attributes": attributes})
	}
	size := defaultLimit
	if asked, err := strconv.ParseInt(req.query.Get("limit"), 10, 32); err == nil {
		size = max(size, int(asked))
	}
	if s.offsetPageSize > 0 {
		size = min(size, s.offsetPageSize)
	}
	return s.pagedByOffset(rows, req, size)
}

func (s *Server) upsertIdentityAttributes(req *request) (any, *problem) {
	return s.eachIdentity(req, func(attributes, item object) {
		values, _ := item["attributes"].(object)
		maps.Copy(attributes, values)
	})
}

func (s *Server) deleteIdentityAttributes(req *request) (any, *problem) {
	return s.eachIdentity(req, func(attributes, item object) {
		types, _ := item["attribute_types"].([]any)
		for _, name := range types {
			key, _ := name.(string)
			delete(attributes, key)
		}
	})
}

// eachIdentity changes the attributes of each user that a bulk call names, and
// answers what became of each item.
func (s *Server) eachIdentity(req *request, change func(attributes, item object)) (any, *problem) {
	results, failed := []any{}, 0
	for _, element := range req.list {
		item, _ := element.(object)
		result := object{"email": item["email"], "success": true, "errors": []any{}}
		user := s.store.find(Users, func(o object) bool { return o["email"] == item["email"] })
		if user == nil {
			failed++
			result["success"] = false
			result["errors"] = []any{object{"error_code": "IDENTITY_NOT_FOUND", "error_details": "there is no identity with this e-mail"}}
		} else {
			attributes, _ := user["attributes"].(object)
			attributes = maps.Clone(attributes)
			if attributes == nil {
				attributes = object{}
			}
			change(attributes, item)
			if len(attributes) > 0 || user["attributes"] != nil {
				user["attributes"] = attributes
			}
		}
		results = append(results, result)
	}
	return object{
		"summary": object{"total": len(results), "succeeded": len(results) - failed, "failed": failed},
		"results": results,
	}, nil
}
