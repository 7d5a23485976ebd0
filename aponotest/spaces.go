package aponotest

import (
	"fmt"
	"maps"
	"unicode/utf8"
)

const (
	maxQuery     = 8 << 10         // bytes of a query target's query
	spaceMembers = "space members" // kind of collection
	noSpace      = "null"          // selects objects without a space
)

// Identity types of members of a space.
const (
	aUser  = "user"
	aGroup = "group"
)

var (
	spaceReferenceSchema = objectOf(named("space"))
	queryTargetSchema    = objectOf(map[string]field{"query": required(textThat(func(query string) string {
		if len(query) > maxQuery {
			return fmt.Sprintf("must have at most %d bytes, not %d", maxQuery, len(query))
		}
		return ""
	}))})

	datedSchema = map[string]field{"id": required(text), "created_date": required(instant), "updated_date": required(instant)}

	spaceName = textThat(func(name string) string {
		if n := utf8.RuneCountInString(name); n < 3 || n > 64 {
			return fmt.Sprintf("must have 3 to 64 characters, not %d", n)
		}
		return ""
	})
	spaceSchema             = objectOf(datedSchema).with(map[string]field{"name": required(spaceName), "space_scopes": required(listOf(spaceScopeSchema))})
	updateSpaceSchema       = objectOf(map[string]field{"name": required(spaceName), "space_scope_references": maybeEmpty(texts)})
	createSpaceSchema       = updateSpaceSchema.with(map[string]field{"members": optional(writeSpaceMembersSchema)})
	spaceRolesSchema        = objectOf(map[string]field{"identity_type": required(text), "space_roles": required(texts)})
	spaceMemberSchema       = spaceRolesSchema.with(map[string]field{"identity_id": required(text), "name": required(text), "email": optional(text)})
	setSpaceMembersSchema   = objectOf(map[string]field{"members": maybeEmpty(writeSpaceMembersSchema)})
	writeSpaceMembersSchema = listOf(spaceRolesSchema.with(map[string]field{"identity_reference": required(text)}))

	spaceResource = &resource{
		collection: Spaces, noun: "space", schema: spaceSchema, create: createSpaceSchema, update: updateSpaceSchema,
		filters: nameFilter, named: true, created: "created_date", updated: "updated_date", nested: []string{spaceMembers},
	}
	spaceMemberResource = &resource{collection: spaceMembers, noun: "member of the space", schema: spaceMemberSchema, keyedBy: "identity_id"}
)

// spaceRoutes are the routes that WithoutSpaces removes.
var spaceRoutes = collect(
	spaceScopeResource.routes("SpaceScopes", "List", "Get", "Create", "Update"),
	spaceResource.routes("Spaces", "List", "Get"),
	map[string]route{
		"SpaceScopes.Delete":  {handle: (*Server).deleteSpaceScope},
		"Spaces.Create":       {body: createSpaceSchema, handle: (*Server).createSpace},
		"Spaces.Update":       {body: updateSpaceSchema, handle: (*Server).updateSpace},
		"Spaces.Delete":       {handle: (*Server).deleteSpace},
		"Spaces.ListMembers":  {query: tokenParams, handle: inSpace((*Server).listSpaceMembers)},
		"Spaces.SetMembers":   {body: setSpaceMembersSchema, handle: inSpace((*Server).setSpaceMembers)},
		"Spaces.SetMember":    {body: spaceRolesSchema, handle: inSpace((*Server).setSpaceMember)},
		"Spaces.RemoveMember": {handle: inSpace((*Server).removeSpaceMember)},
	},
)

// spaceFilter filters lists of objects that can be in a space.
var spaceFilter = filter{param: "space_references", field: "space.space_id", orField: "space.space_name", many: true, none: noSpace}

// spaceKinds are the kinds of collections that were added with spaces.
var spaceKinds = []string{string(Spaces), string(SpaceScopes), spaceMembers}

// Query parameters that were added with spaces.
var (
	inSpaceParams = params{"space_reference": one}
	spaceParams   = []string{"space_reference", spaceFilter.param}
)

// enterSpace adds a new object to the space of the query.
func (s *Server) enterSpace(o object, req *request) *problem {
	reference := req.query.Get("space_reference")
	if reference == "" {
		return nil
	}
	space := s.store.refer(Spaces, reference)
	if space == nil {
		return badRequest("space_reference", "space %q not found", reference)
	}
	o["space"] = object{"space_id": space["id"], "space_name": space["name"]}
	return nil
}

func (s *Server) createSpace(req *request) (any, *problem) {
	list, _ := req.body["members"].([]any)
	members, err := s.spaceMembers(list)
	if err != nil {
		return nil, err
	}
	delete(req.body, "members")
	if err := s.resolveSpaceScopes(req.body); err != nil {
		return nil, err
	}
	created, err := spaceResource.post(s, req)
	if err == nil {
		id, _ := created.(object)["id"].(string)
		s.putSpaceMembers(id, members)
	}
	return created, err
}

func (s *Server) updateSpace(req *request) (any, *problem) {
	if err := s.resolveSpaceScopes(req.body); err != nil {
		return nil, err
	}
	return spaceResource.put(s, req)
}

// resolveSpaceScopes replaces references to space scopes by the objects, which responses
// contain.
func (s *Server) resolveSpaceScopes(body object) *problem {
	references, _ := body["space_scope_references"].([]any)
	scopes := []any{}
	for i, reference := range references {
		text, _ := reference.(string)
		found := s.store.refer(SpaceScopes, text)
		if found == nil {
			return badRequest(fmt.Sprintf("space_scope_references[%d]", i), "space scope %q not found", text)
		}
		scopes = append(scopes, maps.Clone(found))
	}
	delete(body, "space_scope_references")
	body["space_scopes"] = scopes
	return nil
}

// deleteSpace deletes a space. The objects in it remain, without a space. The API does
// not document what happens to them.
func (s *Server) deleteSpace(req *request) (any, *problem) {
	space, err := spaceResource.find(s, req)
	if err != nil {
		return nil, err
	}
	for _, c := range []Collection{AccessFlows, Bundles, Scopes} {
		for _, e := range s.store.where(c, func(o object) bool { return member(o, "space.space_id") == space["id"] }) {
			delete(e.object, "space")
		}
	}
	return spaceResource.delete(s, req)
}

// inSpace returns the handler of an operation on the members of a space.
func inSpace(handle func(s *Server, req *request, members Collection) (any, *problem)) func(*Server, *request) (any, *problem) {
	return func(s *Server, req *request) (any, *problem) {
		space, err := spaceResource.find(s, req)
		if err != nil {
			return nil, err
		}
		id, _ := space["id"].(string)
		return handle(s, req, SpaceMembersOf(id))
	}
}

func (s *Server) listSpaceMembers(req *request, members Collection) (any, *problem) {
	return s.page(members, req, nil)
}

func (s *Server) setSpaceMembers(req *request, members Collection) (any, *problem) {
	list, _ := req.body["members"].([]any)
	replacement, err := s.spaceMembers(list)
	if err != nil {
		return nil, err
	}
	s.store.clear(members)
	for _, m := range replacement {
		s.store.put(members, m)
	}
	return s.page(members, req, nil)
}

func (s *Server) setSpaceMember(req *request, members Collection) (any, *problem) {
	m, err := s.spaceMember("", req.args[1], req.body)
	if err != nil {
		return nil, err
	}
	s.store.put(members, m)
	return s.render(m), nil
}

func (s *Server) removeSpaceMember(req *request, members Collection) (any, *problem) {
	for _, e := range s.store.objects[members] {
		m := s.render(e.object)
		called := m["email"]
		if m["identity_type"] == aGroup {
			called = m["name"]
		}
		if id, _ := m["identity_id"].(string); id == req.args[1] || called == req.args[1] {
			s.store.delete(members, id)
			return nil, nil
		}
	}
	return nil, notFound(spaceMemberResource.noun, req.args[1])
}

func (s *Server) putSpaceMembers(space string, members []object) {
	for _, m := range members {
		s.store.put(SpaceMembersOf(space), m)
	}
}

// spaceMembers converts the members of a request body.
func (s *Server) spaceMembers(list []any) ([]object, *problem) {
	var members []object
	for i, element := range list {
		written, _ := element.(object)
		reference, _ := written["identity_reference"].(string)
		m, err := s.spaceMember(fmt.Sprintf("members[%d].", i), reference, written)
		if err != nil {
			return nil, err
		}
		members = append(members, m)
	}
	return members, nil
}

// spaceMember converts a member of a request body to the form of responses.
func (s *Server) spaceMember(path, reference string, written object) (object, *problem) {
	var found object
	switch written["identity_type"] {
	case aUser:
		found = s.userByIDOrEmail(reference)
	case aGroup:
		found = s.store.refer(Groups, reference)
	default:
		return nil, invalid(path+"identity_type", "must be \"user\" or \"group\", not %q", written["identity_type"])
	}
	if found == nil && path == "" {
		return nil, notFound(fmt.Sprint(written["identity_type"]), reference)
	}
	if found == nil {
		return nil, badRequest(path+"identity_reference", "%s %q not found", written["identity_type"], reference)
	}
	m := object{"identity_id": found["id"], "identity_type": written["identity_type"], "space_roles": written["space_roles"]}
	s.describeMember(m)
	return m, nil
}

// describeMember sets the current name of the user or group.
func (s *Server) describeMember(m object) {
	id, _ := m["identity_id"].(string)
	switch m["identity_type"] {
	case aUser:
		if user := s.store.get(Users, id); user != nil {
			m["name"], m["email"] = fmt.Sprintf("%s %s", user["first_name"], user["last_name"]), user["email"]
		}
	case aGroup:
		if group := s.store.get(Groups, id); group != nil {
			m["name"] = group["name"]
		}
	}
}

// renderSpace updates what a space or a member shows of other objects.
func (s *Server) renderSpace(o object) {
	if scopes, isSpace := o["space_scopes"].([]any); isSpace {
		for i, scope := range scopes {
			id, _ := member(scope, "id").(string)
			if current := s.store.get(SpaceScopes, id); current != nil {
				scopes[i] = maps.Clone(current)
			}
		}
	}
	if _, isMember := o["space_roles"]; isMember {
		s.describeMember(o)
	}
}
