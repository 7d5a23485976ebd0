package aponotest

func (s *Server) listConnectorsV2(*request) (any, *problem) {
	rows := []any{}
	for _, e := range s.store.objects[Connectors] {
		row := object{"connector_id": e.object["id"], "status": e.object["status"]}
		if seconds, ok := legacyInstant(e.object["last_connected"]); ok {
			row["last_connected"] = seconds
		}
		rows = append(rows, row)
	}
	return rows, nil
}
