package aponotest

var (
	createBundleV1 = objectOf(map[string]field{"name": required(text), "integration_targets": required(listOf(targetV1Schema))})
	updateBundleV1 = createBundleV1.allOptional()
	bundleV1View   = &legacyView{
		of: bundleResource, show: (*Server).bundleV1, write: (*Server).writeBundleV1,
		message: "The access bundle was deleted", create: createBundleV1, update: updateBundleV1,
	}
)

func (s *Server) bundleV1(o object) object {
	integrations, _ := targetsV1(o)
	return object{"id": o["id"], "name": o["name"], "integration_targets": integrations}
}

func (s *Server) writeBundleV1(o, body object) *problem {
	body = changesV1(s.bundleV1(o), body)
	if err := s.checkTargetsV1(body); err != nil {
		return err
	}
	copyMembers(o, body, map[string]string{"name": "name"})
	switch integrations, ok := body["integration_targets"]; {
	case ok:
		o["access_targets"] = append(targetsFromV1(integrations, nil), keptTargets(o, "access_scope", "query_target")...)
	case o["access_targets"] == nil:
		o["access_targets"] = []any{}
	}
	return nil
}
