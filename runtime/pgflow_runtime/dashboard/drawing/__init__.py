"""Pictures as SVG: geometry here, words and colours in the templates and the style sheet."""
