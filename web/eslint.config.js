import a11y from "eslint-plugin-jsx-a11y";
import hooks from "eslint-plugin-react-hooks";
import tseslint from "typescript-eslint";

export default tseslint.config(
  { ignores: ["node_modules/", "dist/"] },
  ...tseslint.configs.recommended,
  a11y.flatConfigs.recommended,
  {
    plugins: { "react-hooks": hooks },
    rules: {
      "react-hooks/rules-of-hooks": "error",
      "@typescript-eslint/no-explicit-any": "error",
      // A focusable region that scrolls, and the graph whose boxes are walked with the arrow keys.
      "jsx-a11y/no-noninteractive-tabindex": ["error", { tags: [], roles: ["region", "group", "tabpanel", "img"] }],
      "jsx-a11y/no-noninteractive-element-interactions": "off",
    },
  },
);
