package aponotest

var delegatedFilters = []filter{
	{param: "grantee", field: "grantee.id", orField: "grantee.source_id"},
	{param: "statuses", field: "status", many: true},
}

func (s *Server) listDelegated(req *request) (any, *problem) {
	return s.pageOf("delegated requests", s.store.where(AccessRequests, func(o object) bool { return o["grantee"] != nil }), req, delegatedFilters)
}

func (s *Server) getDelegated(req *request) (any, *problem) {
	found := s.store.get(AccessRequests, req.args[0])
	if found == nil || found["grantee"] == nil {
		return nil, notFound("delegated access request", req.args[0])
	}
	return s.render(found), nil
}
