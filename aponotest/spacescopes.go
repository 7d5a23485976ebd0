package aponotest

import "slices"

var (
	writeSpaceScopeSchema = objectOf(map[string]field{"name": required(text), "query": required(text)})
	spaceScopeSchema      = writeSpaceScopeSchema.with(datedSchema)
	spaceScopeResource    = &resource{
		collection: SpaceScopes, noun: "space scope", schema: spaceScopeSchema, create: writeSpaceScopeSchema, update: writeSpaceScopeSchema,
		filters: nameFilter, named: true, created: "created_date", updated: "updated_date",
	}
)

// deleteSpaceScope deletes a space scope and removes it from all spaces. The API does not
// document what happens to them.
func (s *Server) deleteSpaceScope(req *request) (any, *problem) {
	scope, err := spaceScopeResource.find(s, req)
	if err != nil {
		return nil, err
	}
	for _, e := range s.store.objects[Spaces] {
		scopes, _ := e.object["space_scopes"].([]any)
		e.object["space_scopes"] = slices.DeleteFunc(slices.Clone(scopes), func(other any) bool { return member(other, "id") == scope["id"] })
	}
	return spaceScopeResource.delete(s, req)
}
