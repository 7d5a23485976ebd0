package aponotest

var (
	sessionSchema = objectOf(map[string]field{
		"id": required(text), "name": required(text), "request_ids": required(texts), "integration": required(partialSchema),
		"credentials_status": required(text), "can_reset_credentials": required(boolean),
	})
	detailsSchema = objectOf(map[string]field{
		"instructions": required(text), "custom_admin_message": optional(text), "parameters": optional(textMap), "cli": optional(text),
		"link": optional(objectOf(map[string]field{"url": required(text), "title": optional(text)})),
	})
	sessionResource = &resource{
		collection: Sessions, noun: "access session", schema: sessionSchema, nested: []string{"details"},
		filters: []filter{
			{param: "integration_id", field: "integration.id", many: true},
			{param: "request_ids", field: "request_ids", many: true},
		},
	}
	detailsResource = &resource{collection: "details", noun: "access details", schema: detailsSchema, keyless: true}
)

// getAccessDetails returns the credentials of a session and marks them as viewed.
func (s *Server) getAccessDetails(req *request) (any, *problem) {
	session, err := sessionResource.find(s, req)
	if err != nil {
		return nil, err
	}
	details := s.store.objects[DetailsOf(req.args[0])]
	spent := session["credentials_status"] == viewed || session["credentials_status"] == resetting
	if len(details) == 0 || s.oneTimeDetails && spent {
		return nil, notFound("access details of session", req.args[0])
	}
	if session["credentials_status"] == available {
		session["credentials_status"] = viewed
	}
	return details[len(details)-1].object, nil
}

func (s *Server) resetCredentials(req *request) (any, *problem) {
	session, err := sessionResource.find(s, req)
	if err != nil {
		return nil, err
	}
	if session["can_reset_credentials"] != true {
		return nil, invalid("", "the credentials of this session cannot be reset")
	}
	s.resetDetails(session)
	return object{"message": "The credentials are being reset"}, nil
}
