package aponotest

var availableFilters = []filter{
	{param: "integration_id", field: "integration.id"},
	{param: "integration_name", field: "integration.name"},
	{param: "permission_name", field: "permission.name", many: true},
	{param: "resource_name", field: "resource.name"},
	{param: "resource_type_id", field: "resource.type.id", many: true},
}

func (s *Server) listAvailableBundles(req *request) (any, *problem) {
	bundles := s.store.where(Bundles, func(object) bool { return true })
	for i, e := range bundles {
		bundles[i].object = object{"id": e.object["id"], "name": e.object["name"]}
	}
	return s.pageOf("available bundles", bundles, req, []filter{{param: "name", field: "name", many: true, pattern: true}})
}

func (s *Server) listAvailableEntitlements(req *request) (any, *problem) {
	return s.pageOf("available entitlements", s.available(), req, availableFilters)
}

// available returns an entitlement for each resource and each permission to its type.
func (s *Server) available() []entry {
	var all []entry
	for _, i := range s.store.objects[Integrations] {
		id, _ := i.object["id"].(string)
		for _, r := range s.store.objects[ResourcesOf(id)] {
			for _, p := range s.store.objects[PermissionsOf(id)] {
				if p.object["resource_type"] != r.object["type"] {
					continue
				}
				all = append(all, entry{place: len(all) + 1, object: object{
					"integration": object{"id": id, "name": i.object["name"]},
					"resource": object{
						"id": r.object["id"], "source_id": r.object["id"], "name": r.object["name"],
						"type": object{"id": r.object["type"], "label": r.object["type"]},
					},
					"permission": object{"id": p.object["id"], "source_id": p.object["id"], "name": p.object["name"]},
				}})
			}
		}
	}
	return all
}
