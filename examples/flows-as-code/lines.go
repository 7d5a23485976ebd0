package main

import (
	"fmt"
	"slices"
	"strings"
)

const around = 2 // unchanged lines shown before and after a changed one

// difference returns the lines in which two texts differ, with context.
func difference(before, after string) string {
	lines := compare(strings.Split(strings.TrimSuffix(before, "\n"), "\n"), strings.Split(strings.TrimSuffix(after, "\n"), "\n"))
	var b strings.Builder
	skipped := false
	for i, line := range lines {
		near := lines[max(0, i-around):min(len(lines), i+around+1)]
		if !slices.ContainsFunc(near, func(l string) bool { return l[0] != ' ' }) {
			skipped = true
			continue
		}
		if skipped && b.Len() > 0 {
			b.WriteString("    ...\n")
		}
		skipped = false
		fmt.Fprintf(&b, "    %s\n", line)
	}
	return b.String()
}

// compare returns the lines of two texts in order. Common lines have the prefix
// " ", lines only in before "-", and lines only in after "+". It computes the
// longest common subsequence.
func compare(before, after []string) []string {
	common := make([][]int, len(before)+1) // lengths for the rests of both texts
	for i := range common {
		common[i] = make([]int, len(after)+1)
	}
	for i, old := range slices.Backward(before) {
		for j, text := range slices.Backward(after) {
			common[i][j] = max(common[i+1][j], common[i][j+1])
			if old == text {
				common[i][j] = common[i+1][j+1] + 1
			}
		}
	}
	var lines []string
	for i, j := 0, 0; i < len(before) || j < len(after); {
		switch {
		case i < len(before) && j < len(after) && before[i] == after[j]:
			lines = append(lines, " "+before[i])
			i, j = i+1, j+1
		case j == len(after) || i < len(before) && common[i+1][j] >= common[i][j+1]:
			lines = append(lines, "-"+before[i])
			i++
		default:
			lines = append(lines, "+"+after[j])
			j++
		}
	}
	return lines
}
