import ConfigProvider from "antd/es/config-provider";
import type { Locale } from "antd/es/locale";
import enGB from "antd/es/locale/en_GB";
import zhCN from "antd/es/locale/zh_CN";
import theme from "antd/es/theme";
import type { ReactNode } from "react";
import { usePreferences } from "./state/preferences";

const LOCALES: Record<string, Locale> = { zh: zhCN, en: enGB };
// Light enough to be told from what was filled in, dark enough to be read.
const FAINT = { light: "#68737d", dark: "#9aa7b3" };
const ACCENT = { light: "#17609e", dark: "#74b4e8" };

/** Theme and language of the components around a panel. */
export function Themed({ children }: { children: ReactNode }) {
  const { language, theme: tone, display } = usePreferences();
  return (
    <ConfigProvider
      locale={LOCALES[language]}
      componentSize="small"
      button={{ autoInsertSpace: false }}
      theme={{
        algorithm: tone === "dark" ? theme.darkAlgorithm : theme.defaultAlgorithm,
        token: { colorPrimary: ACCENT[tone], colorTextPlaceholder: FAINT[tone], borderRadius: 6, fontSize: display === "big" ? 17 : 13, fontFamily: "inherit", colorLink: ACCENT[tone] },
        // By night the accent is light, and letters on it have to be dark.
        components: { Button: { primaryColor: tone === "dark" ? "#0b1721" : "#ffffff" } },
      }}
    >
      {children}
    </ConfigProvider>
  );
}
