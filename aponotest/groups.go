package aponotest

var (
	groupSchema = objectOf(map[string]field{
		"id": required(text), "name": required(text), "source_id": optional(text),
	}).with(sourceRead)
	membersSchema = objectOf(map[string]field{"members_emails": maybeEmpty(texts)})
	memberSchema  = objectOf(map[string]field{"email": required(text)})
	groupResource = &resource{
		collection: Groups, noun: "group", schema: groupSchema, create: membersSchema.with(map[string]field{"name": required(text)}),
		filters: nameFilter, kept: []string{"source_id", "source_integration_id", "source_integration_name"},
		update: objectOf(map[string]field{"name": required(text)}), nested: []string{"members"},
	}
	memberResource = &resource{collection: "members", noun: "member", schema: memberSchema, keyedBy: "email"}
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

// putMembers adds members that the group does not have yet.
func (s *Server) putMembers(group string, emails any) {
	list, _ := emails.([]any)
	for _, email := range list {
		s.store.put(MembersOf(group), object{"email": email})
	}
}
