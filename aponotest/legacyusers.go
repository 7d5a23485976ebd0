package aponotest

func userV2(o object) object {
	v2 := object{}
	for _, name := range []string{"id", "email", "first_name", "last_name", "active"} {
		v2[name] = o[name]
	}
	return v2
}

func (s *Server) listUsersV2(req *request) (any, *problem) {
	rows := []any{}
	for _, e := range s.store.objects[Users] {
		rows = append(rows, userV2(e.object))
	}
	return s.offsetPage(rows, req)
}

func (s *Server) getUserV2(req *request) (any, *problem) {
	found := s.userByIDOrEmail(req.args[0])
	if found == nil {
		return nil, notFound("user", req.args[0])
	}
	return userV2(found), nil
}
