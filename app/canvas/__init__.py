"""The canvas: NodeGraphQt as a pure view of the document."""
