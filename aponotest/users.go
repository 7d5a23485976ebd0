package aponotest

var (
	userSchema = objectOf(map[string]field{
		"id": required(text), "email": required(text), "email_aliases": required(texts),
		"first_name": required(text), "last_name": required(text), "active": required(boolean), "roles": required(texts),
		"attributes": optional(textMap),
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
			body:   listOf(objectOf(map[string]field{"email": maybeEmpty(text), "attributes": required(textMap)})),
			handle: (*Server).upsertIdentityAttributes,
		},
		"Identities.DeleteAttributes": {
			body:   listOf(objectOf(map[string]field{"email": maybeEmpty(text), "attribute_types": required(texts)})),
			handle: (*Server).deleteIdentityAttributes,
		},
	},
)

func (s *Server) userByIDOrEmail(reference string) object {
	return s.store.find(Users, func(o object) bool { return o["id"] == reference || o["email"] == reference })
}
